"""Running statistics of raw patches: class histograms and band sums over the observed pixels."""

import numpy as np
from numpy.typing import NDArray

from pipeline.schema.bands import S1_BANDS, S2_BANDS
from pipeline.schema.landcover import IGNORE, N_DW_CLASSES
from pipeline.schema.observed import s1_observed, s2_observed
from pipeline.schema.records import N_SEASONS, BandSum, Patch


class Tally:
    """Adds up patches one at a time."""

    def __init__(self) -> None:
        self._classes = np.zeros((N_SEASONS, N_DW_CLASSES + 1), np.int64)
        self._s2 = np.zeros((len(S2_BANDS), 3))
        self._s1 = np.zeros((len(S1_BANDS), 3))

    def add(self, patch: Patch) -> None:
        """Count one patch in; pixels that were not observed do not enter the band sums."""
        for season, labels in enumerate(patch.dw):
            counts = np.bincount(labels.ravel(), minlength=IGNORE + 1)
            self._classes[season] += np.append(counts[:N_DW_CLASSES], counts[IGNORE])
        self._s2 += _sums(patch.s2, s2_observed(patch.s2))
        self._s1 += _sums(patch.s1, s1_observed(patch.s1))

    def class_count(self) -> tuple[tuple[int, ...], ...]:
        """Per season, pixels of class 0..8 and, last, without a label."""
        return tuple(tuple(int(n) for n in season) for season in self._classes)

    def s2_sums(self) -> tuple[BandSum, ...]:
        """Per band, in digital numbers."""
        return _records(self._s2)

    def s1_sums(self) -> tuple[BandSum, ...]:
        """Per polarisation, in dB."""
        return _records(self._s1)


def _sums(raw_SBHW: NDArray[np.generic], seen_SHW: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(bands, 3): observed pixels, their sum and their sum of squares, in float64."""
    return np.stack([_band_sums(raw_SBHW[:, band][seen_SHW]) for band in range(raw_SBHW.shape[1])])


def _band_sums(values: NDArray[np.generic]) -> NDArray[np.float64]:
    wide = values.astype(np.float64)
    return np.array([wide.size, wide.sum(), wide @ wide])


def _records(sums: NDArray[np.float64]) -> tuple[BandSum, ...]:
    return tuple(BandSum(pixels=int(n), total=float(total), squares=float(squares)) for n, total, squares in sums)
