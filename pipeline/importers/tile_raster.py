"""One GeoTIFF of a published tile, from its bytes: its bands, and where it says that it lies."""

import warnings
from dataclasses import dataclass
from typing import Any, Final

import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import MemoryFile

from pipeline.schema.errors import NoldoError
from pipeline.schema.grid import PIXEL_M, PixelGrid
from pipeline.schema.raster_reason import raster_reason

ALIGNED_M: Final = 1e-3
"""Files of one tile may state its corner with this difference, metres: their writers rounded differently."""


MAX_SIDE_PX: Final = 4096
MAX_BANDS: Final = 64
"""No tile set has more; what says so is not decoded."""


class BadTileError(NoldoError):
    """A tile that cannot be imported; `reason` is short and countable, `detail` says what was found where."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type["BadTileError"], tuple[str, str]]:
        """Pickle both arguments."""
        return type(self), (self.reason, self.detail)


@dataclass(frozen=True, eq=False)
class TileRaster:
    """The bands of one file."""

    bands: NDArray[Any]
    """(band, y, x)."""
    names: tuple[str | None, ...]
    """Of the bands, as far as the file names them."""
    grid: PixelGrid | None
    """None where the file does not say where it lies."""


def decode_tile_raster(data: bytes, name: str, *, placed: bool = True) -> TileRaster:
    """Read a GeoTIFF's bytes; `name` is for messages; unless `placed`, where it says that it lies is not looked at.

    Raises BadTileError where it is none, or lies on another grid than a north-up one of 10 m in a UTM zone.
    """
    if not data:
        raise BadTileError("file cannot be read", f"{name}: it is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with MemoryFile(data) as memory, memory.open(driver="GTiff") as source:
                if max(source.width, source.height) > MAX_SIDE_PX or source.count > MAX_BANDS:
                    found = f"{source.count} bands of {source.width} x {source.height} px"
                    raise BadTileError("wrong size", f"{name}: {found}, which is no tile")
                return TileRaster(source.read(), tuple(source.descriptions), _grid_of(source, name) if placed else None)
    except (RasterioError, rasterio.errors.CRSError, ValueError, OSError) as error:
        raise BadTileError("file cannot be read", f"{name}: {raster_reason(error)}") from error


def same_place(a: PixelGrid, b: PixelGrid) -> bool:
    """Whether two files of one tile lie on the same pixels."""
    corners = (abs(a.left_m - b.left_m), abs(a.top_m - b.top_m))
    return a.epsg == b.epsg and (a.width_px, a.height_px) == (b.width_px, b.height_px) and max(corners) <= ALIGNED_M


def _grid_of(source: Any, name: str) -> PixelGrid | None:
    if source.crs is None:
        return None
    epsg = source.crs.to_epsg()
    a, b, left, d, e, top = tuple(source.transform)[:6]
    utm = epsg is not None and (32601 <= epsg <= 32660 or 32701 <= epsg <= 32760)
    if not utm or max(abs(a - PIXEL_M), abs(e + PIXEL_M), abs(b), abs(d)) > ALIGNED_M:
        where = f"EPSG:{epsg}" if epsg else "an unnamed coordinate system"
        raise BadTileError("not north-up at 10 m in UTM", f"{name}: {where}, pixels ({a:g}, {b:g}, {d:g}, {e:g})")
    return PixelGrid(epsg, float(left), float(top), source.width, source.height)
