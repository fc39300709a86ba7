"""Fields and blocks: the plane cut into rectangles of 80 m to 600 m, each with hashed bits of its own."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.emulator.frame import CIRCUMFERENCE_M, Frame, cell_count, purpose
from pipeline.emulator.noise import Float, hashed, remix, units

BLOCK_M: Final = 620.0
CUTS: Final = 4
WARP_M: Final = 260.0


@dataclass(frozen=True, eq=False)
class Parcels:
    """The parcel of every pixel."""

    bits: NDArray[np.uint64]
    """64 hashed bits, equal within a parcel."""
    edge_m: Float
    """Distance to the parcel's edge, plane metres."""


def parcels(seed: int, frame: Frame) -> Parcels:
    """Cut blocks in two, again and again, at hashed places; a slow warp turns and bends the rows of fields."""
    period = cell_count(BLOCK_M)
    cell = CIRCUMFERENCE_M / period
    warp_x = frame.lift(frame.slow(purpose(seed, "parcel-warp-x"), (2_600.0,)))
    warp_y = frame.lift(frame.slow(purpose(seed, "parcel-warp-y"), (2_600.0,)))
    u, v = (frame.x + WARP_M * warp_x) / cell, (frame.y + WARP_M * warp_y) / cell
    column, row = np.floor(u).astype(np.int64), np.floor(v).astype(np.int64)
    tu, tv = (u - column).astype(np.float32), (v - row).astype(np.float32)
    bits = hashed(purpose(seed, "parcels"), column % period, row)
    west, east = np.zeros_like(tu), np.ones_like(tu)
    south, north = np.zeros_like(tu), np.ones_like(tu)
    for _ in range(CUTS):
        turn = units(bits)
        cut = np.float32(0.36) + np.float32(0.28) * units(bits << np.uint64(24))
        wide = (east - west) * (0.7 + 0.6 * turn) > (north - south)
        whole = (bits & np.uint64(15)) == 0
        x_cut, y_cut = west + cut * (east - west), south + cut * (north - south)
        beyond = np.where(wide, tu >= x_cut, tv >= y_cut) & ~whole
        before = ~beyond & ~whole
        west, east = np.where(wide & beyond, x_cut, west), np.where(wide & before, x_cut, east)
        south, north = np.where(~wide & beyond, y_cut, south), np.where(~wide & before, y_cut, north)
        bits = np.where(whole, bits, remix(bits + beyond + np.uint64(7)))
    edge = np.minimum(np.minimum(tu - west, east - tu), np.minimum(tv - south, north - tv))
    return Parcels(bits=remix(bits + np.uint64(11)), edge_m=edge * np.float32(cell))
