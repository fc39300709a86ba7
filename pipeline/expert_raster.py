"""One GeoTIFF of expert labels: its grid and its classes, or the plain reason why it is no usable tile.

Dynamic World's training tiles (doi 10.1594/PANGAEA.933475) have one band; the hold-out tiles (doi
10.5281/zenodo.4766508) have two: 'lulc' holds the experts' classes, 'label' the model's, numbered from another zero.
"""

import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import MemoryFile

from pipeline.schema.errors import NoldoError
from pipeline.schema.grid import PIXEL_M, PixelGrid
from pipeline.schema.landcover import IGNORE, N_DW_CLASSES
from pipeline.schema.raster_reason import raster_reason
from pipeline.schema.tiles import EXPERT_CLOUD, EXPERT_PX, EXPERT_UNMARKED

EXPERT_BAND: Final = "lulc"
"""The experts' band where a file has several."""

_TO_CLASS: Final = np.full(EXPERT_CLOUD + 1, IGNORE, dtype=np.uint8)
_TO_CLASS[1 : N_DW_CLASSES + 1] = np.arange(N_DW_CLASSES)

MAX_BANDS: Final = 16
MAX_BYTES: Final = 16 * 2**20
"""A published tile has one or two bands and takes some 20 kB; what is far beyond is not read into memory."""

ALIGNED_M: Final = 1e-6
"""A coefficient of the geotransform may be off by this much, metres."""


class UnusableRasterError(NoldoError):
    """A file that is no usable tile; `reason` is short and countable, `detail` says what was found."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type["UnusableRasterError"], tuple[str, str]]:
        """Pickle both arguments."""
        return type(self), (self.reason, self.detail)


@dataclass(frozen=True, eq=False)
class ExpertRaster:
    """The labels of one tile."""

    grid: PixelGrid
    labels: NDArray[np.uint8]
    """(height, width), class 0..8 or IGNORE."""


def decode_expert_raster(data: bytes) -> ExpertRaster:
    """Read a GeoTIFF's bytes: published 1..9 become 0..8, unmarked and cloud IGNORE; nothing is resampled.

    Raises UnusableRasterError for anything else than a north-up 10 m tile of a published size in a UTM zone.
    """
    if len(data) > MAX_BYTES:
        raise UnusableRasterError("too large", f"{len(data):,} bytes or more, expected at most {MAX_BYTES:,}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with MemoryFile(data) as memory, memory.open(driver="GTiff") as source:
                grid = _grid_of(source)
                values = source.read(_band_of(source))
    except (RasterioError, rasterio.errors.CRSError, ValueError, OSError) as error:
        raise UnusableRasterError("cannot be read", raster_reason(error)) from error
    return ExpertRaster(grid, _classes(values))


def _band_of(source: Any) -> int:
    """The number of the band with the experts' classes, from 1."""
    if source.count == 1:
        return 1
    named = [number for number, name in enumerate(source.descriptions, 1) if name == EXPERT_BAND]
    if len(named) != 1 or source.count > MAX_BANDS:
        bands = ", ".join(name or "?" for name in source.descriptions[:MAX_BANDS])
        raise UnusableRasterError(
            "no band of labels", f"{source.count} bands ({bands}), not just one of them '{EXPERT_BAND}'"
        )
    return named[0]


def _grid_of(source: Any) -> PixelGrid:
    epsg = None if source.crs is None else source.crs.to_epsg()
    if epsg is None or not (32601 <= epsg <= 32660 or 32701 <= epsg <= 32760):
        found = "no coordinate system" if source.crs is None else f"EPSG:{epsg}" if epsg else "an unnamed system"
        raise UnusableRasterError("not in a UTM zone", f"it has {found}; zones are EPSG:32601..32660 and 32701..32760")
    a, b, left, d, e, top = tuple(source.transform)[:6]
    if max(abs(a - PIXEL_M), abs(e + PIXEL_M), abs(b), abs(d)) > ALIGNED_M:
        raise UnusableRasterError("not north-up at 10 m", f"its pixels are ({a:g}, {b:g}, {d:g}, {e:g}) m")
    if source.width != source.height or source.width not in EXPERT_PX.values():
        sides = " or ".join(str(side) for side in EXPERT_PX.values())
        raise UnusableRasterError("wrong size", f"{source.width} x {source.height} pixels, expected {sides} a side")
    return PixelGrid(epsg, float(left), float(top), source.width, source.height)


def _classes(values: NDArray[Any]) -> NDArray[np.uint8]:
    known = (values >= EXPERT_UNMARKED) & (values <= EXPERT_CLOUD)
    if values.dtype.kind not in "iu":
        known &= values == np.rint(values)
    if not known.all():
        strangers = np.unique(values[~known])[:4].tolist()
        raise UnusableRasterError("unknown class", f"values {', '.join(f'{v:g}' for v in strangers)}, expected 0..10")
    return _TO_CLASS[values.astype(np.uint8)]
