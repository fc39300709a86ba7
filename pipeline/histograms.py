"""Histograms of raw pixels in 1,024 fixed bins a band, and percentiles read from them."""

import zlib
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

N_BINS: Final = 1024

S2_EDGES: Final[NDArray[np.float64]] = np.concatenate(
    [np.arange(0, 256), np.arange(256, 1024, 4), np.arange(1024, 4096, 12), np.arange(4096, 65537, 192)]
).astype(np.float64)
"""Digital numbers where bins begin, and where the last one ends: 1 wide below 256 (cirrus and water are that dark),
4 below 1,024, 12 below 4,096 and 192 above, so that a bin is at most 5 % of what it holds."""

S1_EDGES: Final[NDArray[np.float64]] = np.linspace(-70.0, 32.4, N_BINS + 1)
"""Backscatter where bins begin, and where the last one ends, dB: 0.1 dB wide. What lies beyond counts in the first
or the last bin."""

_S2_STARTS: Final = S2_EDGES[:-1].astype(np.int64)


def s2_histogram(values: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Pixels a bin, (1024,), of digital numbers of any shape."""
    every_number = np.bincount(values.ravel(), minlength=int(S2_EDGES[-1]))
    counts: NDArray[np.int64] = np.add.reduceat(every_number, _S2_STARTS)
    return counts


def s1_histogram(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Pixels a bin, (1024,), of finite backscatter in dB, of any shape."""
    steps = (values.ravel().astype(np.float64) - S1_EDGES[0]) * (N_BINS / (S1_EDGES[-1] - S1_EDGES[0]))
    return np.bincount(np.clip(steps, 0, N_BINS - 1).astype(np.int64), minlength=N_BINS)


def percentiles(
    counts_b: NDArray[np.int64], edges: NDArray[np.float64], wanted: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Approximate percentiles, (len(wanted),), of one histogram (1024,); `wanted` runs over 0..100.

    Within a bin the values lie evenly, so the error is at most the width of a bin. NaN where nothing was counted.
    """
    total = int(counts_b.sum())
    if not total:
        return np.full(len(wanted), np.nan)
    below = np.concatenate([[0], np.cumsum(counts_b)])
    ranks = wanted / 100.0 * total
    # The bin that holds the rank: never an empty one, whose share would be 0 / 0.
    at = np.clip(np.searchsorted(below, ranks, side="left") - 1, 0, N_BINS - 1)
    filled = np.flatnonzero(counts_b)
    at = filled[np.clip(np.searchsorted(filled, at), 0, len(filled) - 1)]
    share = np.clip((ranks - below[at]) / counts_b[at], 0.0, 1.0)
    found: NDArray[np.float64] = edges[at] + share * (edges[at + 1] - edges[at])
    return found


def to_bytes(counts: NDArray[np.int64]) -> bytes:
    """Histograms of any shape as compressed bytes, for a table."""
    return zlib.compress(counts.astype("<i8").tobytes(), level=6)


def add_up(packed: Iterable[bytes], n_seasons: int, n_bands: int) -> NDArray[np.int64]:
    """The sum of histograms (seasons, bands, 1024) that `to_bytes` made; zeros where there are none."""
    total = np.zeros((n_seasons, n_bands, N_BINS), np.int64)
    for one in packed:
        total += np.frombuffer(zlib.decompress(one), "<i8").reshape(total.shape)
    return total
