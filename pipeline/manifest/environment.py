"""The software that a data set is made with: what may show in its pixels, and in the bytes of its files."""

import platform
import re
from functools import cache
from importlib import metadata
from typing import Any, Final

import pyproj
import rasterio
import shapely

PACKAGE: Final = "noldo"


@cache
def environment() -> dict[str, Any]:
    """Versions as plain data: of Python, of the package, of what it asks for itself, and of the C libraries below.

    Nothing that tells one machine from another of the same make: no names, paths or kernels.
    """
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": package_versions(),
        "libraries": {
            "GDAL": rasterio.__gdal_version__,
            "PROJ": pyproj.proj_version_str,
            "GEOS": shapely.geos_version_string,
        },
    }


def package_versions() -> dict[str, str]:
    """Versions of the package and of its direct dependencies that are installed, by name."""
    found = {}
    for name in sorted({PACKAGE, *_direct_dependencies()}, key=str.lower):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _direct_dependencies() -> list[str]:
    """Names of what the package needs without its extras (PEP 508)."""
    try:
        needed = metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:
        return []
    return [re.split(r"[\s\[<>=!~;(]", line, maxsplit=1)[0] for line in needed if "extra ==" not in line]
