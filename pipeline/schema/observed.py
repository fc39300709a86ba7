"""Which raw pixels were observed: the one definition that quality, statistics and reports share."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.schema.bands import S1_NODATA, S2_BANDS, S2_NODATA

S2_LIT_BANDS: Final = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A")
"""Bands that scattered light keeps above zero in daylight. Water vapour, cirrus and short-wave infrared bands
(B9 to B12) can be 0 over dark water once the baseline offset is removed, so 0 there does not mean 'not observed'."""

_LIT: Final = [S2_BANDS.index(band) for band in S2_LIT_BANDS]


def s2_observed(s2_BHW: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Where every lit band has a value: (..., 13, height, width) digital numbers -> (..., height, width)."""
    seen: NDArray[np.bool_] = (s2_BHW[..., _LIT, :, :] != S2_NODATA).all(axis=-3)
    return seen


def s1_observed(s1_BHW: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where both polarisations have a finite value: (..., 2, height, width) dB -> (..., height, width)."""
    seen: NDArray[np.bool_] = (np.isfinite(s1_BHW) & (s1_BHW != S1_NODATA)).all(axis=-3)
    return seen
