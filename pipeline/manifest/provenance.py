"""Where a data set comes from: recipe, source, code and library versions. No time of day: same build, same record."""

import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from pipeline.schema.emulated import is_emulated

PACKAGES: Final = ("noldo", "numpy", "zarr", "numcodecs", "pyarrow", "geopandas", "pyproj", "earthengine-api")
"""Packages whose version may show in the bytes of a store or a manifest."""

PRIVATE: Final = ("project", "url", "workload_tag")
"""Source settings that say who pays and over which road; they decide no pixel and are not published."""

EMULATED: Final = (
    "Emulated: every scene, pixel and label comes from the project's local emulator, a seeded imaginary planet. "
    "Nothing here was observed by a satellite."
)
IMPORTED: Final = (
    "Imported: pixels and labels come from files that others published, read and checked but not fetched again; "
    "'source' says which."
)
UNLABELLED: Final = "There were no labels beside the images: every pixel of dw is 255."

REAL: Final = "Real: scenes, pixels and labels come from Google Earth Engine's public catalogue."


def provenance_record(recipe: Mapping[str, Any], recipe_digest: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """The provenance as plain data; `recipe` has its defaults filled in, `content` is the content digest as JSON.

    Raises ValueError where the recipe does not say of which kind its source is.
    """
    source = recipe.get("source")
    if not isinstance(source, Mapping) or "kind" not in source:
        raise ValueError("the recipe does not say of which kind its source is")
    public = {key: value for key, value in source.items() if key not in PRIVATE}
    return {
        "data": _data(source),
        "emulated": is_emulated(source),
        "source": public,
        "recipe_digest": recipe_digest,
        "content_digest": dict(content),
        "code": {"commit": code_commit(Path(__file__)), "packages": package_versions()},
        "recipe": {**recipe, "source": public},
    }


def _data(source: Mapping[str, Any]) -> str:
    if is_emulated(source):
        return EMULATED
    if source["kind"] == "import" and source.get("labels", "") is None:
        return f"{IMPORTED} {UNLABELLED}"
    return IMPORTED if source["kind"] == "import" else REAL


def package_versions() -> dict[str, str]:
    """Versions of Python and of the installed packages among PACKAGES."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def code_commit(source: Path) -> str | None:
    """The git commit of a source file's checkout, '+modified' where it was changed since; None outside of one."""
    # An environment inside somebody else's checkout is not that checkout's code.
    if _git(source.parent, "ls-files", "--error-unmatch", source.name) is None:
        return None
    commit = _git(source.parent, "rev-parse", "HEAD")
    changed = _git(source.parent, "status", "--porcelain", "--untracked-files=no")
    return f"{commit}+modified" if commit and changed else commit


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
