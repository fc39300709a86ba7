"""OSM land use from rasters on disk, in any coordinate system."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import rasterio
from numpy.typing import NDArray
from pydantic import Field
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform, transform_bounds

from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PixelGrid
from pipeline.schema.landcover import IGNORE, N_OSM_CLASSES
from pipeline.schema.strict import Strict

FINER: Final = 0.75
"""A raster whose pixels are at most this share of the tile's gives the commonest class, a coarser one the nearest."""

EXACT_PX: Final = 1e-6
"""How far off a pixel's place may be computed, pixels; GDAL's own is an eighth, and it takes no 0."""

_NUMBERS: Final = ("uint8", "uint16", "int16", "uint32", "int32")


class OsmRasterSettings(Strict):
    """OSM land use from a folder of rasters."""

    kind: Literal["rasters"] = "rasters"
    folder: Path
    """Where the rasters lie, each of one band and in any coordinate system."""
    pattern: str = "*.tif"
    """Which files of the folder."""
    classes: dict[int, int] = Field(default_factory=dict)
    """What codes mean that are not 1..13 already: class 1..13, or 0 for no label."""

    def identity(self) -> dict[str, Any]:
        """What of these settings decides the labels, beside the files themselves."""
        return self.model_dump(mode="json", exclude={"folder"})


@dataclass(frozen=True)
class _Raster:
    path: Path
    crs: str
    bounds: tuple[float, float, float, float]
    """(left, bottom, right, top) in the raster's own system."""


class OsmRasters:
    """Land-use rasters of one band, in which a pixel's number is its class.

    Files may have different systems, sizes and places; where several label a pixel, the first by name counts.
    """

    def __init__(self, settings: OsmRasterSettings) -> None:
        """Read the headers of all files. Raises UsageError for a folder without any and for a file of another kind."""
        self._codes = {code: code for code in range(N_OSM_CLASSES + 1)} | {IGNORE: 0} | dict(settings.classes)
        wrong = {code: means for code, means in settings.classes.items() if not 0 <= means <= N_OSM_CLASSES}
        if wrong:
            raise UsageError(f"code {next(iter(wrong))} is given class {next(iter(wrong.values()))}; expected 0 to 13")
        try:
            paths = sorted(settings.folder.glob(settings.pattern))
        except ValueError as error:
            raise UsageError(
                f"'{settings.pattern}' is no pattern of file names ({error}); give one such as *.tif"
            ) from error
        if not paths:
            raise UsageError(f"{settings.folder} has no land-use raster '{settings.pattern}'; name the folder of them")
        self._rasters = [_header(path) for path in paths]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files, in the order in which they count."""
        return tuple(raster.path for raster in self._rasters)

    def labels(self, grid: PixelGrid, about: str = "") -> NDArray[np.uint8]:
        """OSM classes 1..13 or IGNORE, (height, width), on the tile's own grid; `about` is not needed here.

        Raises UsageError for a raster that cannot be read or holds a code that is no class.
        """
        del about
        labels = np.full((grid.height_px, grid.width_px), IGNORE, dtype=np.uint8)
        for raster in self._rasters:
            if not (labels == IGNORE).any():
                break
            if _apart(raster, grid):
                continue
            found = self._classes(_warped(raster, grid), raster.path)
            labels = np.where(labels == IGNORE, found, labels)
        return labels

    def _classes(self, values: NDArray[np.generic], path: Path) -> NDArray[np.uint8]:
        """Class 1..13 or IGNORE of a raster's numbers."""
        seen, inverse = np.unique(values, return_inverse=True)
        strange = [int(code) for code in seen if int(code) not in self._codes]
        if strange:
            raise UsageError(
                f"{path} holds the code {strange[0]}, which is no class; say what it means under 'classes'"
            )
        codes = np.array([self._codes[int(code)] or IGNORE for code in seen], dtype=np.uint8)
        return codes[inverse].reshape(values.shape)


def _header(path: Path) -> _Raster:
    with _opened(path) as source:
        if source.count != 1 or source.dtypes[0] not in _NUMBERS:
            raise UsageError(f"{path} has {source.count} bands of {source.dtypes[0]}; expected one of whole numbers")
        if source.crs is None:
            raise UsageError(f"{path} does not say which coordinate system it is in; write it with one")
        return _Raster(path, source.crs.to_wkt(), tuple(source.bounds))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with rasterio.open(path) as source:
            yield source
    except RasterioError as error:
        raise UsageError(f"{path} cannot be read as a raster ({error}); remove it, or save it as a GeoTIFF") from error


def _apart(raster: _Raster, grid: PixelGrid) -> bool:
    """Whether a raster does not reach the tile."""
    try:
        left, bottom, right, top = transform_bounds(f"EPSG:{grid.epsg}", raster.crs, *grid.bounds_m)
    except RasterioError:
        return True  # the raster's system does not reach that part of the world
    a, b, c, d = raster.bounds
    if left > right:  # the tile lies across the system's seam, such as the 180th meridian
        return bool(min(b, d) > top or max(b, d) < bottom)
    return bool(left > max(a, c) or right < min(a, c) or bottom > max(b, d) or top < min(b, d))


def _warped(raster: _Raster, grid: PixelGrid) -> NDArray[np.generic]:
    """A raster's numbers on the tile's grid: the commonest of a pixel's, or the nearest. Only that part is read."""
    with _opened(raster.path) as source:
        lattice = {"crs": f"EPSG:{grid.epsg}", "transform": Affine(*grid.affine)}
        size = {"width": grid.width_px, "height": grid.height_px}
        # Every number of the raster takes part, also what it says is no data: a pixel mostly without label has none.
        # What it does not reach is told by a band of opacity, so that no number has to stand for it.
        fill = {"src_nodata": None, "nodata": None, "add_alpha": True}
        mode = Resampling.mode if _finer(source, grid) else Resampling.nearest
        with WarpedVRT(source, **lattice, **size, **fill, resampling=mode, tolerance=EXACT_PX) as warped:
            bands: NDArray[np.generic] = warped.read()
        nodata = source.nodata
    values, opacity = bands
    unlabelled = opacity == 0 if nodata is None else (opacity == 0) | (values == nodata)
    labelled: NDArray[np.generic] = np.where(unlabelled, np.zeros_like(values), values)
    return labelled


def _finer(source: Any, grid: PixelGrid) -> bool:
    """Whether a raster's pixels are smaller than the tile's, there where the tile is."""
    left, bottom, _, _ = grid.bounds_m
    step = grid.pixel_m
    corners = [left, left + step, left], [bottom, bottom, bottom + step]
    (x0, x1, x2), (y0, y1, y2) = transform(f"EPSG:{grid.epsg}", source.crs, *corners)
    tile_pixel = abs((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0))  # of its outline, which may be turned
    pixel = abs(source.transform.a * source.transform.e - source.transform.b * source.transform.d)
    return bool(pixel < FINER**2 * tile_pixel)
