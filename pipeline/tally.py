"""Running statistics of raw patches: sums and histograms a season and band, and how often labels meet."""

from collections.abc import Callable, Iterable
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.histograms import N_BINS, s1_histogram, s2_histogram, to_bytes
from pipeline.schema.bands import S1_BANDS, S2_BANDS
from pipeline.schema.landcover import IGNORE, N_DW_CLASSES
from pipeline.schema.observed import s1_observed, s2_observed
from pipeline.schema.records import N_SEASONS, BandSum, Patch

SeasonSums = tuple[tuple[BandSum, ...], ...]
"""Per season and band."""

SEASON_PAIRS: Final = tuple(combinations(range(N_SEASONS), 2))

N_LABELS: Final = N_DW_CLASSES + 1
"""The classes, and no label."""

S1_STEPS: Final = 2**14
"""Backscatter is summed in steps of 1/16,384 dB, far below what is measured: sums of integers are the same on every
machine and in every order, those of fractions are not."""

_LABEL_OF: Final = np.full(IGNORE + 1, N_DW_CLASSES, np.uint8)
_LABEL_OF[:N_DW_CLASSES] = np.arange(N_DW_CLASSES)


def season_sums(patch: Patch) -> tuple[SeasonSums, SeasonSums]:
    """The band sums of a patch's observed Sentinel-2 and Sentinel-1 pixels, each a season and band."""
    seen_s2, seen_s1 = s2_observed(patch.s2), s1_observed(patch.s1)
    return (
        _as_records(_each_band(patch.s2, seen_s2, _s2_sums), 1),
        _as_records(_each_band(patch.s1, seen_s1, _s1_sums), S1_STEPS),
    )


class Tally:
    """Adds up patches one at a time; all of it in integers, so that no order or grouping changes a bit."""

    def __init__(self) -> None:
        self._classes = np.zeros((N_SEASONS, N_LABELS), np.int64)
        self._pairs = np.zeros((len(SEASON_PAIRS), N_LABELS**2), np.int64)
        self._s2 = _Bands(len(S2_BANDS))
        self._s1 = _Bands(len(S1_BANDS))
        self._prob: NDArray[np.int64] | None = None

    def add(self, patch: Patch) -> None:
        """Count one patch in; pixels that were not observed enter neither the sums nor the histograms."""
        labels = _LABEL_OF[patch.dw].reshape(N_SEASONS, -1)
        for season in range(N_SEASONS):
            self._classes[season] += np.bincount(labels[season], minlength=N_LABELS)
        for at, (first, second) in enumerate(SEASON_PAIRS):
            codes = labels[first] * np.uint8(N_LABELS) + labels[second]
            self._pairs[at] += np.bincount(codes, minlength=N_LABELS**2)
        self._s2.add(patch.s2, s2_observed(patch.s2), _s2_sums, s2_histogram)
        self._s1.add(patch.s1, s1_observed(patch.s1), _s1_sums, s1_histogram)
        if patch.dw_prob is not None:
            sums = patch.dw_prob.sum(axis=(-2, -1), dtype=np.int64)
            self._prob = sums if self._prob is None else self._prob + sums

    def class_count(self) -> tuple[tuple[int, ...], ...]:
        """Per season, pixels of class 0..8 and, last, without a label."""
        return _integers(self._classes)

    def class_pairs(self) -> tuple[tuple[int, ...], ...]:
        """Per pair of seasons, pixels by the first one's and then the second one's label, 100 numbers."""
        return _integers(self._pairs)

    def s2_sums(self) -> SeasonSums:
        """Per season and band, in digital numbers."""
        return _as_records(self._s2.sums, 1)

    def s1_sums(self) -> SeasonSums:
        """Per season and polarisation, in dB."""
        return _as_records(self._s1.sums, S1_STEPS)

    def s2_histogram(self) -> bytes:
        """Per season, band and bin, pixels."""
        return to_bytes(self._s2.histogram)

    def s1_histogram(self) -> bytes:
        """Per season, polarisation and bin, pixels."""
        return to_bytes(self._s1.histogram)

    def dw_prob_totals(self) -> tuple[tuple[int, ...], ...]:
        """Per season and class, sum of the probabilities in steps of 1/255; empty where no patch had any."""
        return () if self._prob is None else _integers(self._prob)


class BandTally:
    """Adds up the observed pixels of single acquisitions, a band at a time; in integers, as above."""

    def __init__(self) -> None:
        self._s2 = _Bands(len(S2_BANDS), n_seasons=1)
        self._s1 = _Bands(len(S1_BANDS), n_seasons=1)

    def add(self, s2_BHW: NDArray[np.uint16], s1_BHW: NDArray[np.float32]) -> None:
        """Count one acquisition of each sensor in: digital numbers, and dB."""
        self._s2.add(s2_BHW[None], s2_observed(s2_BHW)[None], _s2_sums, s2_histogram)
        self._s1.add(s1_BHW[None], s1_observed(s1_BHW)[None], _s1_sums, s1_histogram)

    def s2_sums(self) -> tuple[BandSum, ...]:
        """Per band, in digital numbers."""
        return _as_records(self._s2.sums, 1)[0]

    def s1_sums(self) -> tuple[BandSum, ...]:
        """Per polarisation, in dB."""
        return _as_records(self._s1.sums, S1_STEPS)[0]

    def s2_histogram(self) -> bytes:
        """Per band and bin, pixels."""
        return to_bytes(self._s2.histogram)

    def s1_histogram(self) -> bytes:
        """Per polarisation and bin, pixels."""
        return to_bytes(self._s1.histogram)


_Sums = tuple[int, int, int, float, float]
"""Observed pixels, their sum and their sum of squares in whole steps, the lowest and the highest in the band's unit."""

_NOTHING: Final[_Sums] = (0, 0, 0, float("inf"), float("-inf"))


class _Bands:
    """The sums and histograms of one sensor, a season and band."""

    def __init__(self, n_bands: int, n_seasons: int = N_SEASONS) -> None:
        self.sums: list[list[_Sums]] = [[_NOTHING] * n_bands for _ in range(n_seasons)]
        self.histogram = np.zeros((n_seasons, n_bands, N_BINS), np.int64)

    def add(
        self,
        raw_SBHW: NDArray[Any],
        seen_SHW: NDArray[np.bool_],
        sums_of: Callable[[NDArray[Any]], _Sums],
        histogram_of: Callable[[NDArray[Any]], NDArray[np.int64]],
    ) -> None:
        added = _each_band(raw_SBHW, seen_SHW, sums_of)
        counted = _each_band(raw_SBHW, seen_SHW, histogram_of)
        for season, bands in enumerate(added):
            for band, new in enumerate(bands):
                self.sums[season][band] = _merged(self.sums[season][band], new)
                self.histogram[season, band] += counted[season][band]


def _each_band(
    raw_SBHW: NDArray[Any], seen_SHW: NDArray[np.bool_], figure: Callable[[NDArray[Any]], Any]
) -> list[list[Any]]:
    """A figure of the observed pixels of every season and band."""
    found = []
    for raw_BHW, seen_HW in zip(raw_SBHW, seen_SHW, strict=True):
        whole = bool(seen_HW.all())
        found.append([figure(band.ravel() if whole else band[seen_HW]) for band in raw_BHW])
    return found


def _s2_sums(values: NDArray[np.uint16]) -> _Sums:
    if not values.size:
        return _NOTHING
    # Whole numbers below 2**53 add up exactly in float64, in any order: 2 million pixels at 65,535 squared.
    wide = values.astype(np.float64)
    return values.size, int(wide.sum()), int(wide @ wide), float(values.min()), float(values.max())


def _s1_sums(values: NDArray[np.float32]) -> _Sums:
    if not values.size:
        return _NOTHING
    steps = np.rint(values.astype(np.float64) * S1_STEPS).astype(np.int64)
    return values.size, int(steps.sum()), int(steps @ steps), float(values.min()), float(values.max())


def _merged(a: _Sums, b: _Sums) -> _Sums:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2], min(a[3], b[3]), max(a[4], b[4])


def _as_records(sums: Iterable[Iterable[_Sums]], steps: int) -> SeasonSums:
    """`steps` are the steps in one unit of the band; a power of two, so that dividing loses nothing."""
    return tuple(tuple(_record(band, steps) for band in season) for season in sums)


def _record(sums: _Sums, steps: int) -> BandSum:
    pixels, total, squares, lowest, highest = sums
    if not pixels:
        return BandSum(0, 0.0, 0.0)
    return BandSum(pixels, total / steps, squares / steps**2, lowest, highest)


def _integers(table: NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(n) for n in row) for row in table)
