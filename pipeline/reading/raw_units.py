"""Back from the 0..255 of a pretraining store to digital numbers, dB and probabilities.

A value stands for a step of (2 * clip_std * std) / 255 of its band; what lay outside mean +- clip_std * std was clipped
and is given back as the edge of that range. A pixel that was not observed holds an edge too and cannot be told apart.
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pipeline.schema.bands import Scaling


def steps(array: xr.DataArray) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """(offset, scale), each by band: raw = offset + scale * stored. None where the attributes state no scaling."""
    if "scaling" not in array.attrs:
        return None
    low, span = Scaling.from_attributes(array.attrs).low_and_span()
    return low, span / 255.0


def in_raw_units(patch: xr.Dataset) -> xr.Dataset:
    """The patch with every scaled array in its raw units, as float32; other arrays as they are."""
    return patch.assign({name: _restored(array) for name, array in patch.items()})


def _restored(array: xr.DataArray) -> xr.DataArray:
    found = steps(array)
    if found is not None:
        offset, scale = (values.astype(np.float32)[:, None, None] for values in found)
        attributes = {
            "long_name": str(array.attrs.get("long_name", "")).removesuffix(", scaled to 0..255"),
            "units": array.attrs["scaling"].get("raw_units", "1"),
            "bands": array.attrs["bands"],
            "comment": "Restored from 0..255: clipped to mean +- clip_std * std of each band, in 255 steps.",
        }
        restored = array.copy(data=offset + scale * array.to_numpy().astype(np.float32))
    elif array.dtype == np.uint8 and "scale_factor" in array.attrs:  # probabilities
        attributes = {name: value for name, value in array.attrs.items() if name != "scale_factor"}
        restored = array.copy(data=array.to_numpy().astype(np.float32) * np.float32(array.attrs["scale_factor"]))
    else:
        return array
    restored.attrs = attributes
    return restored
