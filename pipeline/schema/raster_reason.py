"""Why a raster that is held in memory could not be read, in words that are the same each time."""

import re
from typing import Final

_MADE_UP: Final = re.compile(r"'?/vsimem/[^\s']+'?")
"""What GDAL calls a file in memory, quoted or not: rasterio draws another name each time."""


def raster_reason(error: Exception) -> str:
    """GDAL's words in one line, without the made-up name: they are published, and two builds must tell the same."""
    return _MADE_UP.sub("it", str(error).splitlines()[0])
