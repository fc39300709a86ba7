"""Sentinel images as they are shown: true colour, and radar in grey.

Dimensions: C bands, H rows, W columns.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.schema.bands import S2_BANDS, S2_NODATA

TRUE_COLOUR: Final = ("B4", "B3", "B2")

STRETCH: Final = (2.0, 98.0)
"""Percentiles of an image that are shown as black and as white."""


def optical(image_CHW: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Return (H, W, 3) uint8 of all 13 bands of Sentinel-2, whatever their scaling; black where not observed."""
    bands = [S2_BANDS.index(band) for band in TRUE_COLOUR]
    colour_HW3 = np.moveaxis(image_CHW[bands].astype(np.float64), 0, -1)
    return _stretched(colour_HW3, (image_CHW != S2_NODATA).any(0))


def radar(image_CHW: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Return (H, W, 3) uint8, grey, of Sentinel-1's VV, in dB or scaled; black where not observed."""
    vv_HW = image_CHW[0].astype(np.float64)
    known_HW = np.isfinite(vv_HW) & (vv_HW > -1000.0)
    return np.repeat(_stretched(vv_HW[..., None], known_HW), 3, axis=-1)


def _stretched(value_HWC: NDArray[np.float64], known_HW: NDArray[np.bool_]) -> NDArray[np.uint8]:
    if not known_HW.any():
        return np.zeros(value_HWC.shape, np.uint8)
    low, high = np.percentile(value_HWC[known_HW], STRETCH)
    unit_HWC = np.clip((value_HWC - low) / max(high - low, 1e-9), 0.0, 1.0)
    return np.where(known_HW[..., None], np.rint(255.0 * unit_HWC), 0.0).astype(np.uint8)
