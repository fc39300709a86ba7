"""Randomness without state: integer hashes and value noise, pure functions of a key and a place.

Every figure is the splitmix64 finaliser (Steele et al. 2014, doi 10.1145/2714064.2660195) of a key and integer
coordinates, so two overlapping windows read the same values.
"""

import math
import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtri

Float = NDArray[np.float32]
Coordinates = NDArray[np.float64]

_MASK: Final = (1 << 64) - 1
_STEP_X: Final = np.uint64(0x9E3779B97F4A7C15)
_STEP_Y: Final = np.uint64(0xC2B2AE3D27D4EB4F)
_LEVELS: Final = 4096
_MIDPOINTS: Final = (np.arange(_LEVELS) + 0.5) / _LEVELS

SMOOTH_SCALE: Final = math.sqrt(12.0) * 35.0 / 26.0
"""Brings value noise to unit variance: 1/12 of the lattice, times the smoothstep's mean squared weights, (26/35)^2."""

NORMAL: Final[Float] = ndtri(_MIDPOINTS).astype(np.float32)
"""Quantiles of the standard normal distribution at 4,096 levels."""


def mix(value: int) -> int:
    """The splitmix64 finaliser of one integer."""
    value &= _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def key(seed: int, *parts: int | str) -> int:
    """A 64-bit key for one purpose: equal arguments give equal keys, on every machine."""
    state = mix(seed + 0x9E3779B97F4A7C15)
    for part in parts:
        number = zlib.crc32(part.encode()) + (len(part) << 40) if isinstance(part, str) else part
        state = mix(state * 0x2545F4914F6CDD1D + number + 1)
    return state


def unit(key_: int) -> float:
    """A figure in [0, 1) of a key."""
    return (key_ >> 11) / float(1 << 53)


def normal(key_: int) -> float:
    """A standard normal figure of a key."""
    return float(ndtri((unit(key_) * (1 - 2e-9)) + 1e-9))


def point_noise(key_: int, x: float, y: float) -> float:
    """Smooth noise of unit variance at one point, with features about one unit across."""
    column, row = math.floor(x), math.floor(y)
    tu, tv = x - column, y - row
    tu, tv = tu * tu * (3 - 2 * tu), tv * tv * (3 - 2 * tv)
    a, b, c, d = (unit(key(key_, column + i, row + j)) for j in (0, 1) for i in (0, 1))
    upper, lower = a + tu * (b - a), c + tu * (d - c)
    return (upper + tv * (lower - upper) - 0.5) * SMOOTH_SCALE


def hashed(key_: int, ix: NDArray[np.int64], iy: NDArray[np.int64]) -> NDArray[np.uint64]:
    """64 hashed bits for each pair of integer coordinates (arrays that broadcast)."""
    state = ix.astype(np.uint64) * _STEP_X + iy.astype(np.uint64) * _STEP_Y + np.uint64(key_)
    return remix(state)


def remix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The splitmix64 finaliser, element by element."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def units(bits: NDArray[np.uint64]) -> Float:
    """Figures in [0, 1) from the upper 24 of 64 hashed bits."""
    return (bits >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)


def drawn(bits: NDArray[np.uint64], table: Float, slot: int) -> Float:
    """Draw from a table of 4,096 quantiles with 12 of the 64 bits; slots 0..4 are independent."""
    index = (bits >> np.uint64(12 * slot)) & np.uint64(_LEVELS - 1)
    values: Float = np.take(table, index.astype(np.int32))
    return values


def gamma_quantiles(looks: float) -> Float:
    """4,096 quantiles of multi-look speckle: a gamma variate of shape `looks` and mean 1."""
    table: Float = (gammaincinv(looks, _MIDPOINTS) / looks).astype(np.float32)
    return table


def value_noise(key_: int, x: Coordinates, y: Coordinates, cell: float, period_x: int | None = None) -> Float:
    """Smooth noise of unit variance at points (x, y), with features about `cell` across.

    `x` and `y` have one shape, in the unit of `cell`. Lattice values are uniform and joined by a smoothstep.
    With `period_x`, the lattice repeats every that many cells along x.
    """
    u, v = x / cell, y / cell
    u0, v0 = np.floor(u), np.floor(v)
    tu, tv = (u - u0).astype(np.float32), (v - v0).astype(np.float32)
    left, low = int(u0.min()), int(v0.min())
    columns = np.arange(left, int(u0.max()) + 2)
    rows = np.arange(low, int(v0.max()) + 2)
    if period_x is not None:
        columns = columns % period_x
    lattice = units(hashed(key_, columns[None, :], rows[:, None])).ravel()
    width = len(columns)
    corner = (v0 - low).astype(np.int32) * np.int32(width) + (u0 - left).astype(np.int32)
    tu = tu * tu * (3.0 - 2.0 * tu)
    tv = tv * tv * (3.0 - 2.0 * tv)
    a, b = lattice[corner], lattice[corner + 1]
    c, d = lattice[corner + width], lattice[corner + width + 1]
    upper = a + tu * (b - a)
    lower = c + tu * (d - c)
    blended = upper + tv * (lower - upper)
    scaled: Float = (blended - np.float32(0.5)) * np.float32(SMOOTH_SCALE)
    return scaled


def fractal_noise(
    key_: int,
    x: Coordinates,
    y: Coordinates,
    cells: tuple[float, ...],
    weights: tuple[float, ...],
    periods: tuple[int, ...] | None = None,
) -> Float:
    """Several octaves of value noise, weighted and scaled to unit variance."""
    total = np.zeros(x.shape, dtype=np.float32)
    for octave, (cell, weight) in enumerate(zip(cells, weights, strict=True)):
        period = None if periods is None else periods[octave]
        total += np.float32(weight) * value_noise(key(key_, octave), x, y, cell, period)
    return total * np.float32(1.0 / np.sqrt(np.sum(np.square(weights))))
