"""image:computePixels: a pixel grid in, NPY or GeoTIFF out, within the documented limits."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import rasterio
from numpy.typing import NDArray

from pipeline.emulator.functions_images import select
from pipeline.emulator.lattice import GridWindow, Projection, parsed_crs
from pipeline.emulator.limits import MAX_PIXEL_BANDS, MAX_PIXEL_BYTES, MAX_PIXEL_SIDE, MEMORY_MESSAGE, MemoryLimit
from pipeline.emulator.nodes import Band
from pipeline.emulator.pixel_types import cast_values
from pipeline.emulator.rendering import render
from pipeline.emulator.replies import Reply, RequestError
from pipeline.emulator.scene import World
from pipeline.emulator.values import Image

NPY: Final = "NPY"
GEO_TIFF: Final = "GEO_TIFF"

MASKED: Final = 0
"""Value of masked pixels in an answer; what the real NPY carries there is unverified."""


@dataclass(frozen=True)
class PixelJob:
    """A checked request for pixels."""

    bands: tuple[Band, ...]
    window: GridWindow
    file_format: str


def pixel_job(image: Any, body: Mapping[str, Any], memory: MemoryLimit) -> PixelJob:
    """Check a request against the service's limits; RequestError in its words where one is passed."""
    if not isinstance(image, Image):
        raise RequestError("Image.computePixels: the expression must compute an image.")
    file_format = body.get("fileFormat", "")
    if file_format not in (NPY, GEO_TIFF):
        raise RequestError(f"fileFormat '{file_format}' is not served by this emulator; it serves NPY, GEO_TIFF.")
    names = body.get("bandIds")
    bands = select(image, list(names), None).bands if names else image.bands
    if not bands:
        raise RequestError("The image has no bands.")
    window = _window(body.get("grid") or {}, bands[0])
    _check_limits(bands, window)
    if memory.pixel_bands is not None and len(bands) > memory.pixel_bands:
        raise RequestError(MEMORY_MESSAGE)
    return PixelJob(tuple(bands), window, file_format)


def _window(grid: Mapping[str, Any], first: Band) -> GridWindow:
    affine, size = grid.get("affineTransform"), grid.get("dimensions")
    if not affine or not size:
        raise RequestError("this emulator needs a grid with affineTransform and dimensions.")
    names = ("scaleX", "shearX", "translateX", "shearY", "scaleY", "translateY")
    transform = tuple(float(affine.get(name, 0.0)) for name in names)
    if transform[0] * transform[4] == transform[1] * transform[3]:
        raise RequestError("The grid's affineTransform cannot be inverted.")
    crs = grid.get("crsCode") or grid.get("crsWkt") or first.projection.crs
    parsed_crs(crs)
    width, height = int(size.get("width", 0)), int(size.get("height", 0))
    if width < 1 or height < 1:
        raise RequestError(f"The grid's dimensions {width}x{height} must be positive.")
    return GridWindow(Projection(crs, transform), width, height)


def _check_limits(bands: Sequence[Band], window: GridWindow) -> None:
    if len(bands) > MAX_PIXEL_BANDS:
        raise RequestError(f"Total number of bands ({len(bands)}) must be less than or equal to {MAX_PIXEL_BANDS}.")
    if max(window.width, window.height) > MAX_PIXEL_SIDE:
        raise RequestError(
            f"Pixel grid dimensions ({window.width}x{window.height}) must be less than or equal to {MAX_PIXEL_SIDE}."
        )
    total = window.width * window.height * sum(band.pixel_type.dtype.itemsize for band in bands)
    if total > MAX_PIXEL_BYTES:
        raise RequestError(f"Total request size ({total} bytes) must be less than or equal to {MAX_PIXEL_BYTES} bytes.")


def render_job(job: PixelJob, world: World) -> Reply:
    """Render the bands and encode them."""
    if job.file_format == GEO_TIFF:
        return Reply(200, "image/tiff", _geotiff(job, world))
    return Reply(200, "application/octet-stream", _npy(job, world))


def _npy(job: PixelJob, world: World) -> bytes:
    """A structured array (height, width) with one field a band."""
    kinds = [(band.name, band.pixel_type.dtype) for band in job.bands]
    table = np.empty((job.window.height, job.window.width), dtype=kinds)
    for band, values in zip(job.bands, _rendered(job, world), strict=True):
        table[band.name] = values
    stream = io.BytesIO()
    np.lib.format.write_array(stream, table, allow_pickle=False)
    return stream.getvalue()


def _rendered(job: PixelJob, world: World) -> Sequence[NDArray[Any]]:
    """(height, width) arrays in the bands' types."""
    pairs = zip(job.bands, render(job.bands, job.window, world), strict=True)
    return [np.where(p.valid, cast_values(p.values, b.pixel_type), b.pixel_type.dtype.type(MASKED)) for b, p in pairs]


def _geotiff(job: PixelJob, world: World) -> bytes:
    """A GeoTIFF; its bands must share one type, as exports of the real service must."""
    kinds = {band.pixel_type.dtype for band in job.bands}
    if len(kinds) > 1:
        found = ", ".join(sorted(str(kind) for kind in kinds))
        raise RequestError(f"Exported bands must have compatible data types; found inconsistent types: {found}.")
    arrays = _rendered(job, world)
    profile = {
        "driver": "GTiff",
        "width": job.window.width,
        "height": job.window.height,
        "count": len(arrays),
        "dtype": str(kinds.pop()),
        "crs": parsed_crs(job.window.projection.crs).to_wkt(),
        "transform": rasterio.Affine(*job.window.projection.transform),
    }
    with rasterio.MemoryFile() as memory:
        with memory.open(**profile) as dataset:
            for number, (band, values) in enumerate(zip(job.bands, arrays, strict=True), start=1):
                dataset.write(values, number)
                dataset.set_band_description(number, band.name)
        return bytes(memory.read())
