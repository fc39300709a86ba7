"""Strips of noise where a Sentinel-1 swath ends."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.schema.bands import S1_BANDS

NOISE_DB: Final = -30.0
"""VV below this is no backscatter of any ground (Earth Engine guide, 'Sentinel-1 algorithms', masks the same)."""
AROUND_PX: Final = 5
"""A pixel is noise where most of the pixels in a square of this side are: speckle over calm water is not."""

_VV: Final = S1_BANDS.index("VV")


def border_noise_share(s1_BHW: NDArray[np.float32], seen_HW: NDArray[np.bool_]) -> float:
    """Share of the pixels that lie in a strip of border noise, 0..1.

    (2, height, width) dB of one season, and (height, width) where they were observed.
    The noise of GRD products (those before IPF 2.90 in particular, and what is left of it after Earth Engine's border
    noise removal) fills the outermost strip of a swath. A swath's side crosses a patch from edge to edge, so noise that
    reaches neither the patch's edge nor unobserved pixels does not count. Smooth water and dry sand at the edge of a
    patch do count where they lie below NOISE_DB over more than half of the neighbourhood.
    """
    low_HW = seen_HW & (s1_BHW[_VV] < NOISE_DB)
    if np.count_nonzero(low_HW) < AROUND_PX**2:
        return 0.0
    dim = ndimage.uniform_filter((low_HW | ~seen_HW).astype(np.float32), AROUND_PX, mode="nearest") > 0.5
    regions, _ = ndimage.label(dim | ~seen_HW)
    edges = np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1], regions[~seen_HW]])
    touching = np.zeros(int(regions.max()) + 1, np.bool_)
    touching[edges] = True
    touching[0] = False
    return float((touching[regions] & low_HW).mean())
