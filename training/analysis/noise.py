"""How often a map is wrong, by class and by the distance to the nearest boundary between true classes.

Dimensions: H row, W column.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from pipeline.schema.landcover import DW_CLASSES, IGNORE, N_DW_CLASSES

PIXEL_M: Final = 10.0
"""Side of a pixel, metres."""

DISTANCE_EDGES_PX: Final = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0)
"""Lower ends of the bins of distance, pixels; each ends where the next begins, the last one never. 1 is the pixel next
to the boundary."""


@dataclass(frozen=True)
class ErrorRate:
    """How often a map is wrong among some of the pixels that have both a mark in it and a truth."""

    by: str
    """true class, marked class, or distance."""
    group: str
    """Name of the class; of a distance, its bin in pixels."""
    low_m: float | None
    """Lower end of the bin of distance, metres; None for classes."""
    high_m: float | None
    """Upper end, not included; None for classes and where the bin has no end."""
    pixels: int
    wrong: int
    rate: float
    """Share that is wrong, 0..1."""


class ErrorCounts:
    """Counts right and wrong pixels, map after map."""

    def __init__(self) -> None:
        self._confusion_CC = np.zeros((N_DW_CLASSES, N_DW_CLASSES), np.int64)
        self._near_K2 = np.zeros((len(DISTANCE_EDGES_PX), 2), np.int64)

    def add(self, marked_HW: NDArray[np.uint8], truth_HW: NDArray[np.uint8]) -> None:
        """Count one map; both hold classes, or 255 where nothing is known, which is not counted."""
        counted = (marked_HW != IGNORE) & (truth_HW != IGNORE)
        marked_N, truth_N = marked_HW[counted].astype(np.int64), truth_HW[counted].astype(np.int64)
        pairs_N = truth_N * N_DW_CLASSES + marked_N
        self._confusion_CC += np.bincount(pairs_N, minlength=N_DW_CLASSES**2).reshape(N_DW_CLASSES, N_DW_CLASSES)
        bin_N = np.searchsorted(DISTANCE_EDGES_PX, boundary_distance(truth_HW)[counted], side="right") - 1
        flat_N = bin_N * 2 + (marked_N != truth_N)
        self._near_K2 += np.bincount(flat_N, minlength=self._near_K2.size).reshape(self._near_K2.shape)

    def rates(self) -> list[ErrorRate]:
        """By true class, by marked class, and by distance; groups without a pixel are left out."""
        right_C = self._confusion_CC.diagonal()
        by_class = [
            _rate(by, c.name, None, int(total_C[c.code] - right_C[c.code]), int(total_C[c.code]))
            for by, total_C in (("true class", self._confusion_CC.sum(1)), ("marked class", self._confusion_CC.sum(0)))
            for c in DW_CLASSES
        ]
        ends: Sequence[float | None] = (*DISTANCE_EDGES_PX[1:], None)
        by_distance = [
            _rate("distance", _bin_name(low, high), (low, high), int(wrong), int(right + wrong))
            for low, high, (right, wrong) in zip(DISTANCE_EDGES_PX, ends, self._near_K2, strict=True)
        ]
        return [rate for rate in by_class + by_distance if rate is not None]


def boundary_distance(class_HW: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return each pixel's distance to the nearest pixel of another class, centre to centre, in pixels: (H, W), >= 1.

    `class_HW`: classes, or 255 where the class is not known, which is no other class; its own distance is infinite.
    So is that of every pixel where all are of one class. What lies beyond the map is not seen: close to its border a
    boundary may be nearer than is told.
    """
    distance_HW = np.full(class_HW.shape, np.inf)
    known = class_HW != IGNORE
    for code in np.unique(class_HW[known]):
        own = class_HW == code
        if (known & ~own).any():
            distance_HW[own] = distance_transform_edt(~(known & ~own))[own]
    return distance_HW


def _rate(by: str, group: str, ends_px: tuple[float, float | None] | None, wrong: int, pixels: int) -> ErrorRate | None:
    if not pixels:
        return None
    low_px, high_px = ends_px or (None, None)
    return ErrorRate(
        by=by,
        group=group,
        low_m=None if low_px is None else low_px * PIXEL_M,
        high_m=None if high_px is None else high_px * PIXEL_M,
        pixels=pixels,
        wrong=wrong,
        rate=wrong / pixels,
    )


def _bin_name(low: float, high: float | None) -> str:
    if high is None:
        return f"{low:g} px and more, or no boundary in the patch"
    return f"{low:g} px" if high == low + 1 == 2 else f"{low:g} to below {high:g} px"
