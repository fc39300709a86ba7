import hashlib
from itertools import islice

import numpy as np
import pytest
from pyproj import Geod

from pipeline.sampling.cities import draw_around, most_populated, named_cities
from pipeline.schema.errors import UsageError

EARTH = Geod(ellps="WGS84")


def test_offsets_are_gaussian_in_metres_east_and_north() -> None:
    city = np.array([[24.94, 60.17]])
    lon, lat = np.array(list(islice(draw_around(city, 50_000.0, seed=5), 4000))).T
    azimuth, _, distance = EARTH.inv(np.full_like(lon, city[0, 0]), np.full_like(lat, city[0, 1]), lon, lat)
    for offset in (distance * np.sin(np.radians(azimuth)), distance * np.cos(np.radians(azimuth))):
        assert np.std(offset) == pytest.approx(50_000, rel=0.05)
        assert np.mean(offset) == pytest.approx(0, abs=3_000)


def test_every_city_is_drawn_as_often() -> None:
    cities = np.array([[0.0, 0.0], [90.0, 10.0], [-120.0, 40.0]])
    lon = np.array(list(islice(draw_around(cities, 10.0, seed=1), 3000)))[:, 0]
    counts = [int(np.sum(abs(lon - city) < 1)) for city in cities[:, 0]]
    assert sum(counts) == 3000
    assert min(counts) > 900


def test_the_gazetteer_is_the_one_that_published_samples_were_drawn_from() -> None:
    """Another gazetteer draws other samples from the same recipe: a new version of it must be noticed."""
    cities = most_populated(10_000)
    assert cities.shape == (10_000, 2)
    assert np.abs(cities[0] - (121.46, 31.22)).max() < 0.1  # Shanghai
    assert hashlib.sha256(np.round(cities, 5).tobytes()).hexdigest()[:16] == "52b96f15dd30130e"


def test_more_cities_than_there_are_is_refused() -> None:
    with pytest.raises(UsageError, match=r"sample.cities is 1000000, but the gazetteer has \d+ cities"):
        most_populated(1_000_000)


@pytest.mark.parametrize(
    ("name", "lon", "lat"),
    [
        ("Munich", 11.58, 48.14),
        ("MÜNCHEN", 11.58, 48.14),
        ("Paris", 2.35, 48.85),  # not the one in Texas
        ("Paris, us", -95.56, 33.66),
        ("Cordoba", -64.18, -31.41),
        ("Cordoba, ES", -4.77, 37.89),
    ],
)
def test_a_city_is_found_by_its_names_and_country(name: str, lon: float, lat: float) -> None:
    assert named_cities([name])[0] == pytest.approx((lon, lat), abs=0.1)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Munnich", r"did you mean 'Munich, DE'\?"),
        ("Paris, DE", "mean 'Paris, FR' or "),
        ("qzqzqz", "draw the place"),
    ],
)
def test_an_unknown_city_is_told_with_those_that_may_be_meant(name: str, told: str) -> None:
    with pytest.raises(ValueError, match=f"has no city '{name}' of 15,000 people or more; .*{told}"):
        named_cities([name])
