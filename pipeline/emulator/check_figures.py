"""The figures of the check: what a set of labelled pixels looks like, and how well classes can be told apart."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

BANDS: Final = ("VV", "VH", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B11", "B12")
"""Bands of a table of real pixels; radar in dB, optical in L1C digital numbers."""
FEATURES: Final = (*BANDS, "VV-VH", "NDVI")
MIN_PIXELS: Final = 25
"""Fewer pixels of a class than this give no figure."""
RIDGE: Final = 1e-3
"""Added to the pooled covariance, relative to its diagonal, so that nearly equal bands do no harm."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Pixels with labels."""

    values: NDArray[np.float64]
    """(pixels, 13) in the order of BANDS."""
    label: NDArray[np.int64]
    """(pixels,) class 0..8."""

    def features(self) -> NDArray[np.float64]:
        """(pixels, 15) in the order of FEATURES."""
        band = dict(zip(BANDS, self.values.T, strict=True))
        ndvi = (band["B8"] - band["B4"]) / np.maximum(band["B8"] + band["B4"], 1.0)
        return np.column_stack([self.values, band["VV"] - band["VH"], ndvi])


@dataclass(frozen=True)
class Spread:
    """Middle and width of one class in one feature."""

    pixels: int
    median: float
    spread: float
    """1.4826 x the median absolute deviation."""


def spreads(sample: Sample) -> dict[tuple[int, str], Spread]:
    """Median and spread by class and feature, of classes with MIN_PIXELS and more."""
    features = sample.features()
    result = {}
    for code in range(9):
        rows = features[sample.label == code]
        if len(rows) < MIN_PIXELS:
            continue
        median = np.median(rows, axis=0)
        width = 1.4826 * np.median(np.abs(rows - median), axis=0)
        for name, middle, wide in zip(FEATURES, median, width, strict=True):
            result[code, name] = Spread(len(rows), float(middle), float(wide))
    return result


def separability(sample: Sample) -> dict[tuple[int, int], float]:
    """For each pair of classes, the area under the ROC curve of Fisher's linear discriminant on the bands.

    0.5 is no better than chance, 1 is perfect. Optical bands enter as logarithms; each half of the pixels is
    scored by the discriminant of the other.
    """
    values = sample.values.copy()
    values[:, 2:] = np.log(np.maximum(values[:, 2:], 1.0))
    rows = {code: values[sample.label == code] for code in range(9)}
    codes = [code for code in range(9) if len(rows[code]) >= 2 * MIN_PIXELS]
    result = {}
    for i, a in enumerate(codes):
        for b in codes[i + 1 :]:
            halves = [_area(rows[a][k::2], rows[b][k::2], rows[a][1 - k :: 2], rows[b][1 - k :: 2]) for k in (0, 1)]
            result[a, b] = float(np.mean(halves))
    return result


def _area(
    a: NDArray[np.float64], b: NDArray[np.float64], test_a: NDArray[np.float64], test_b: NDArray[np.float64]
) -> float:
    pooled = (np.cov(a.T) + np.cov(b.T)) / 2
    pooled += RIDGE * np.diag(np.diag(pooled))
    direction = np.linalg.solve(pooled, b.mean(axis=0) - a.mean(axis=0))
    ranks = rankdata(np.concatenate([test_a @ direction, test_b @ direction]))
    above = ranks[len(test_a) :].sum() - len(test_b) * (len(test_b) + 1) / 2
    return float(above / (len(test_a) * len(test_b)))
