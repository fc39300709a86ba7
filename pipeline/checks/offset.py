"""Whether Sentinel-2 digital numbers still carry the offset of processing baseline 04.00."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

OFFSET_DN: Final = 1000.0
"""-RADIO_ADD_OFFSET of L1C products since baseline 04.00, every band (ESA, Sentinel-2 products specification 14.9)."""

DARK_PERCENTILE: Final = 1.0
STEP_PX: Final = 4
LEAST_SPARSE_PX: Final = 10_000
"""Of patches this large, every so many rows and columns are looked at: 4,356 of the usual 69,696 pixels."""


def dark_level(s2_BHW: NDArray[np.uint16], seen_HW: NDArray[np.bool_]) -> float:
    """The digital number below which DARK_PERCENTILE per cent of the darkest band's pixels lie; 0 where none was seen.

    (13, height, width) digital numbers, and (height, width) where they were observed.
    Some band is nearly black everywhere without the offset: cirrus (B10) over any ground that is not under thick high
    cloud, short-wave infrared over water and snow. With the offset every band is at OFFSET_DN or above, but for noise.
    So a bright desert, a snow field or haze, which lift some bands, do not lift this figure, and it needs neither the
    other seasons, all of which may be wrong together, nor the processing baseline. Only cloud with a reflectance of
    0.1 at 1.38 micrometres all over the patch is taken for the offset; such a patch has no labels either.
    """
    first, step = (STEP_PX // 2, STEP_PX) if seen_HW.size >= LEAST_SPARSE_PX else (0, 1)
    sparse, seen = s2_BHW[:, first::step, first::step], seen_HW[first::step, first::step]
    count = int(seen.sum())
    if not count:
        return 0.0
    rank = int((count - 1) * DARK_PERCENTILE / 100)
    values = sparse[:, seen]
    return float(np.partition(values, rank, axis=1)[:, rank].min())
