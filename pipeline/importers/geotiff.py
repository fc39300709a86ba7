"""One band of a saved patch out of the bytes of a GeoTIFF, and where on Earth it lies."""

import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import MemoryFile

from pipeline.importers.imported import MAX_FILE_BYTES, PATCH_SHAPE, NotImportableError
from pipeline.schema.grid import PATCH_PX, PIXEL_M, PixelGrid, transformer
from pipeline.schema.raster_reason import raster_reason

NATIVE_PX: Final = (PATCH_PX, PATCH_PX // 2, PATCH_PX // 6)
"""Sides of a patch in bands of 10, 20 and 60 m."""


@dataclass(frozen=True)
class Raster:
    """A single band as it was saved."""

    values: NDArray[np.generic]
    """(height, width)."""
    epsg: int | None
    """None where it has no reference system with a code."""
    geographic: bool
    """Whether its coordinates are degrees."""
    affine: tuple[float, float, float, float, float, float]
    """(a, b, c, d, e, f): x = a*col + b*row + c, y = d*col + e*row + f."""
    nodata: float | None


def read_raster(data: bytes, name: str, sides: tuple[int, ...] = NATIVE_PX) -> Raster:
    """Read a GeoTIFF of one band; NotImportableError where it is none, or no square of one of the `sides`.

    The shape is looked at before a pixel is decoded, and no other driver than GTiff gets to see the bytes.
    """
    if not data:
        raise NotImportableError("unreadable file", f"{name} is empty or larger than {MAX_FILE_BYTES // 2**20} MB")
    try:
        with warnings.catch_warnings(), MemoryFile(data) as memory:
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with memory.open(driver="GTiff") as file:
                if file.count != 1 or file.width != file.height or file.width not in sides:
                    wanted = " or ".join(f"1 x {side} x {side}" for side in sides)
                    raise NotImportableError(
                        "wrong shape", f"{name} is {file.count} x {file.height} x {file.width}, expected {wanted}"
                    )
                crs: Any = file.crs
                return Raster(
                    values=file.read(1),
                    epsg=crs.to_epsg() if crs else None,
                    geographic=bool(crs and crs.is_geographic),
                    affine=tuple(file.transform)[:6],
                    nodata=file.nodata,
                )
    except (RasterioError, rasterio.errors.RasterioIOError) as error:
        raise NotImportableError("unreadable file", f"{name}: {raster_reason(error)}") from error


def to_patch_size(values: NDArray[np.uint16], *, nearest: bool = False) -> NDArray[np.uint16]:
    """A band of 20 or 60 m on the 10 m grid: bilinear between pixel centres, as the build asks for, or nearest.

    A pixel whose nearest measured one was not observed (0) becomes 0, and no other takes from it.
    """
    if values.shape == PATCH_SHAPE:
        return values
    factor = PATCH_PX // values.shape[0]
    blown = values.repeat(factor, 0).repeat(factor, 1)
    if nearest:
        return blown
    total = _bilinear(values.astype(np.float32))
    weight = _bilinear((values != 0).astype(np.float32))
    smooth = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
    return np.where(blown == 0, np.uint16(0), np.rint(smooth).astype(np.uint16))


def grid_of(raster: Raster, epsg: int | None) -> PixelGrid:
    """The 10 m grid on which a patch lies.

    A raster in UTM states it. One in degrees, as SSL4EO-S12 v1's are, was given the outline of the area that was asked
    for, moved by half a pixel: its centre, in the zone `epsg`, is that of the patch to within a pixel or two.
    Raises NotImportableError where there is no such place.
    """
    a, b, c, d, e, f = raster.affine
    height, width = raster.values.shape
    if raster.epsg is not None and (32601 <= raster.epsg <= 32660 or 32701 <= raster.epsg <= 32760):
        if (a * width, b, d, e * height) != (PATCH_PX * PIXEL_M, 0.0, 0.0, -PATCH_PX * PIXEL_M):
            raise NotImportableError("no position", f"its pixels are no north-up squares of {PIXEL_M:g} m")
        return PixelGrid(raster.epsg, c, f, PATCH_PX, PATCH_PX)
    if not raster.geographic or epsg is None or (b, d) != (0.0, 0.0):
        raise NotImportableError("no position", "its files say neither in UTM nor in degrees where it lies")
    lon, lat = c + a / 2 + a * width / 2, f + e / 2 + e * height / 2
    if not (-180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0):
        raise NotImportableError("no position", f"its files lie at lon {lon:g}, lat {lat:g}")
    x, y = transformer(4326, epsg).transform(lon, lat)
    half = PATCH_PX * PIXEL_M / 2
    left, top = (round(edge / PIXEL_M) * PIXEL_M for edge in (x - half, y + half))
    return PixelGrid(epsg, left, top, PATCH_PX, PATCH_PX)


def centre_lonlat(raster: Raster) -> tuple[float, float] | None:
    """The centre of a raster in degrees as `grid_of` understands it; None where it is not in degrees."""
    a, _, c, _, e, f = raster.affine
    height, width = raster.values.shape
    return (c + a / 2 + a * width / 2, f + e / 2 + e * height / 2) if raster.geographic else None


def _bilinear(values: NDArray[np.float32]) -> NDArray[np.float32]:
    image = Image.fromarray(values).resize((PATCH_PX, PATCH_PX), Image.Resampling.BILINEAR)
    return np.asarray(image, np.float32)
