"""One array of a patch as a cloud-optimized GeoTIFF, which every GIS opens."""

from typing import Any, Final

import numpy as np
import rasterio
import xarray as xr
from affine import Affine
from rasterio.io import MemoryFile

from pipeline.files import open_path, write_bytes
from pipeline.reading.patch import GRID_MAPPING
from pipeline.reading.raw_units import steps
from pipeline.schema.errors import UsageError
from pipeline.schema.landcover import LandCoverClass
from pipeline.schema.paths import AnyPath
from pipeline.tile_arrays import LEGENDS

BLOCK_PX: Final = 256
"""Side of an internal tile, pixels."""

OPAQUE: Final = 255


def save_geotiff(array: xr.DataArray, path: str | AnyPath) -> None:
    """Write one array of a patch, for example `open_patch(...)["s2"]`, as a cloud-optimized GeoTIFF.

    Bands carry their names; scaled images also their scale and offset, by which a GIS shows digital numbers and dB;
    labels the legend's colours and, as tags of the band, its names. No-data is stated where a value is kept for it:
    255 in labels, 0 and -9999 in the raw images of downstream stores. Scene ids and times are tags of the file.

    `array` is (y, x) or (band, y, x), bands and pixels cut out or not. Raises UsageError where it has other
    dimensions, or where it lies on Earth is not known.
    """
    if array.ndim not in (2, 3) or array.dims[-2:] != ("y", "x"):
        raise UsageError(f"'{array.name}' has dimensions {array.dims}; give (y, x) or (band, y, x) of one patch")
    values = array.to_numpy().reshape(-1, *array.shape[-2:])
    transform = _transform(array)
    profile = {
        "driver": "COG",
        "count": len(values),
        "height": values.shape[1],
        "width": values.shape[2],
        "dtype": values.dtype,
        "crs": rasterio.CRS.from_wkt(array[GRID_MAPPING].attrs["crs_wkt"]),
        "transform": transform,
        "nodata": array.attrs.get("_FillValue"),
        "compress": "deflate",
        "blocksize": BLOCK_PX,
        "overviews": "NONE",  # a patch is a screen; labels averaged would be none
    }
    with MemoryFile() as memory:
        with memory.open(**profile) as file:
            file.write(values)
            _describe(file, array)
        written = bytes(memory.getbuffer())
    write_bytes(open_path(path) if isinstance(path, str) else path, written)


def _transform(array: xr.DataArray) -> Affine:
    """Of pixel corners, from the centres that the coordinates state, so that a part of a patch keeps its place."""
    if not {"x", "y", GRID_MAPPING} <= set(array.coords):
        raise UsageError(f"'{array.name}' has no x, y and {GRID_MAPPING}: where it lies on Earth is not known")
    x, y = array["x"].to_numpy(), array["y"].to_numpy()
    if min(x.size, y.size) < 2 or np.ptp(np.diff(x)) or np.ptp(np.diff(y)):
        raise UsageError(f"'{array.name}' is {y.size} x {x.size} px; give 2 or more on each side, evenly spaced")
    dx, dy = x[1] - x[0], y[1] - y[0]
    return Affine(dx, 0.0, x[0] - dx / 2, 0.0, dy, y[0] - dy / 2)


def _describe(file: Any, array: xr.DataArray) -> None:
    names = _band_names(array)
    for band, name in enumerate(names, 1):
        file.set_band_description(band, name)
    unit = array.attrs.get("scaling", {}).get("raw_units", array.attrs.get("units", "1"))
    file.units = ("" if unit == "1" else unit,) * len(names)
    scaling = steps(array)
    if scaling is not None:
        stated = list(array.attrs["bands"])
        file.offsets, file.scales = (tuple(of_band[stated.index(n)] for n in names) for of_band in scaling)
    legend = next((classes for label, classes in LEGENDS.items() if label == array.name), ())
    if legend:
        file.write_colormap(1, {kind.code: _colour(kind) for kind in legend})
        file.update_tags(1, **{f"class_{kind.code}": kind.name for kind in legend})
    file.update_tags(**_tags(array))


def _band_names(array: xr.DataArray) -> list[str]:
    """The band of each layer; of one layer alone the band that was chosen, or the array's own name."""
    dimension = str(array.dims[0]) if array.ndim == 3 else f"{array.name}_band"
    if dimension not in array.coords:
        return [str(array.name)] if array.ndim == 2 else [f"{array.name}_{at}" for at in range(array.shape[0])]
    return [str(name) for name in np.atleast_1d(array[dimension].to_numpy())]


def _tags(array: xr.DataArray) -> dict[str, str]:
    """What the scalars beside the pixels say, as text; times in ISO 8601, UTC."""
    tags = {}
    for name, value in array.coords.items():
        if value.ndim == 0 and name != GRID_MAPPING and not value.isnull() and value.item() != "":
            time = value.dtype.kind == "M"
            tags[str(name)] = f"{np.datetime_as_string(value.to_numpy(), 's')}Z" if time else str(value.item())
    return tags


def _colour(kind: LandCoverClass) -> tuple[int, int, int, int]:
    red, green, blue = bytes.fromhex(kind.colour.removeprefix("#"))
    return red, green, blue, OPAQUE
