"""The arrays of a store as xarray has them: nothing decoded before it is asked for, nothing masked, bands by name."""

from typing import Final

import xarray as xr

from pipeline.files import zarr_store
from pipeline.schema.errors import NoldoError
from pipeline.schema.paths import AnyPath
from pipeline.tile_arrays import is_unreadable

NAMED_BY: Final = {"s2_band": ("s2", "bands"), "s1_band": ("s1", "bands"), "dw_class": ("dw_prob", "classes")}
"""Dimensions with names: the array whose attribute of that name states them."""

IN_INDEX: Final = ("epsg", "geotransform")
"""Arrays of the downstream stores that say what the index says."""


def open_arrays(store: AnyPath) -> xr.Dataset:
    """The arrays of a store, read when asked for; NoldoError where the store cannot be opened.

    The first dimension is that of the rows. `_FillValue` stays an attribute: masking would make labels floats.
    """
    try:
        opened = xr.open_dataset(
            zarr_store(store),  # type: ignore[arg-type]
            engine="zarr",
            consolidated=False,
            mask_and_scale=False,
            chunks=None,
        )
    except Exception as error:
        if not is_unreadable(error):
            raise
        raise unreadable(store, error) from error
    names = {
        dimension: list(opened[array].attrs[attribute])
        for dimension, (array, attribute) in NAMED_BY.items()
        if array in opened and attribute in opened[array].attrs
    }
    return opened.drop_vars(IN_INDEX, errors="ignore").assign_coords(names)


def row_dimension(arrays: xr.Dataset) -> str:
    """The dimension of the rows: location in a pretraining store, tile in a downstream store."""
    return str(arrays["s2"].dims[0])


def unreadable(store: AnyPath, error: Exception) -> NoldoError:
    """What to say of a store that cannot be read."""
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return NoldoError(f"{store} cannot be read ({reason}); noldo manifest verify says what of it is damaged")
