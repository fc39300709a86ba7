"""The real coast: the GLOBE land mask at 30 arc seconds, read a band of latitude at a time."""

import zlib
from functools import lru_cache
from importlib.resources import as_file, files
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.emulator.noise import Coordinates, Float

MASK_ROWS: Final = 21600
MASK_COLUMNS: Final = 43200
MASK_STEP_DEG: Final = 360.0 / MASK_COLUMNS
"""Rows from north, columns from 180 W (NOAA GLOBE, public domain, as the package global-land-mask brings it)."""

BAND_ROWS: Final = 60
"""Half a degree: what is inflated at once, 15 ms for a patch instead of 3 s for the Earth."""

COARSE_CELLS: Final = 60
COARSE_DEG: Final = COARSE_CELLS * MASK_STEP_DEG


class Coast:
    """The land mask as benchmarks/derive_coast.py left it in coast.npz. Safe for use by several threads."""

    def __init__(self) -> None:
        with as_file(files("pipeline.emulator") / "coast.npz") as path, np.load(path) as squeezed:
            self._bands, self._ends = squeezed["bands"], squeezed["ends"]
            self._coarse = np.unpackbits(squeezed["coarse"], axis=1).astype(bool)
        self._packed = np.zeros((MASK_ROWS, MASK_COLUMNS // 8), dtype=np.uint8)  # touched where it is read
        self._read = np.zeros(len(self._ends), dtype=bool)

    def land_share(self, lon_deg: Coordinates, lat_deg: Coordinates) -> Float:
        """How much land lies about each point, 0..1: the mask's cells joined bilinearly."""
        u = (lon_deg + 180.0) / MASK_STEP_DEG - 0.5
        v = (90.0 - lat_deg) / MASK_STEP_DEG - 0.5
        column, row = np.floor(u).astype(np.int64), np.floor(v).astype(np.int64)
        self._inflate(row)
        tu, tv = (u - column).astype(np.float32), (v - row).astype(np.float32)
        north = self._bits(row, column) * (1 - tu) + self._bits(row, column + 1) * tu
        south = self._bits(row + 1, column) * (1 - tu) + self._bits(row + 1, column + 1) * tu
        share: Float = (north * (1 - tv) + south * tv).astype(np.float32)
        return share

    def any_land(self, west: float, south: float, east: float, north: float) -> bool:
        """Whether a box (degrees, east may exceed 180) touches a half-degree cell that holds land."""
        top = max(0, int((90.0 - north) / COARSE_DEG))
        bottom = min(self._coarse.shape[0] - 1, int((90.0 - south) / COARSE_DEG))
        first = int(np.floor((west + 180.0) / COARSE_DEG))
        last = int(np.floor((east + 180.0) / COARSE_DEG))
        columns = np.arange(first, last + 1) % self._coarse.shape[1]
        return bool(self._coarse[top : bottom + 1][:, columns].any())

    def _inflate(self, row: NDArray[np.int64]) -> None:
        """Have the bands of these rows and of the rows below them."""
        asked = np.zeros(len(self._ends), dtype=bool)
        asked[np.clip(np.stack([row, row + 1]), 0, MASK_ROWS - 1) // BAND_ROWS] = True
        for band in np.flatnonzero(asked & ~self._read):
            start = self._ends[band - 1] if band else 0
            bits = np.frombuffer(zlib.decompress(self._bands[start : self._ends[band]].tobytes()), np.uint8)
            self._packed[band * BAND_ROWS : (band + 1) * BAND_ROWS] = bits.reshape(BAND_ROWS, -1)
            self._read[band] = True  # last: another thread may look at it meanwhile

    def _bits(self, row: NDArray[np.int64], column: NDArray[np.int64]) -> Float:
        row = np.clip(row, 0, MASK_ROWS - 1)
        column = column % MASK_COLUMNS
        byte = self._packed[row, column >> 3]
        bit = (byte >> (7 - (column & 7)).astype(np.uint8)) & np.uint8(1)
        on: Float = bit.astype(np.float32)
        return on


@lru_cache(maxsize=1)
def coast() -> Coast:
    """The coast of this process."""
    return Coast()
