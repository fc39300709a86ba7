"""The true land cover: pure, the same ground in two zones, varied, with snow in its season."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.emulator.cities import cities
from pipeline.emulator.coast import coast
from pipeline.emulator.planet import Planet
from pipeline.emulator.truth import SNOW, WATER
from pipeline.schema.grid import PixelGrid, patch_grid, transformer

SUMMER = datetime(2021, 7, 15, 10, tzinfo=UTC)
WINTER = datetime(2021, 1, 15, 10, tzinfo=UTC)
PLACES = st.sampled_from([(15.95, 45.26), (77.4, 28.9), (-43.5, -22.8), (139.9, 35.4), (25.1, 60.5)])


@pytest.fixture(scope="module")
def planet() -> Planet:
    return Planet(0)


@settings(deadline=None, max_examples=25)
@given(place=PLACES, column=st.integers(0, 60), row=st.integers(0, 60), pixel=st.sampled_from([10.0, 20.0, 60.0]))
def test_overlapping_windows_agree_to_the_pixel(
    place: tuple[float, float], column: int, row: int, pixel: float
) -> None:
    planet = Planet(0)
    base = patch_grid(*place, size_px=96)
    whole = PixelGrid(base.epsg, base.left_m, base.top_m, 96, 96, pixel)
    part = PixelGrid(base.epsg, base.left_m + pixel * column, base.top_m - pixel * row, 30, 25, pixel)
    expected = planet.truth(whole, WINTER)[row : row + 25, column : column + 30]
    assert np.array_equal(expected, planet.truth(part, WINTER))


def test_another_seed_is_another_planet() -> None:
    grid = patch_grid(15.95, 45.26)
    same = np.mean(Planet(0).truth(grid, SUMMER) == Planet(1).truth(grid, SUMMER))
    assert same < 0.9


def test_two_zones_describe_the_same_ground(planet: Planet) -> None:
    lon, lat = 18.02, 49.0
    here = patch_grid(lon, lat, size_px=200)
    assert here.epsg == 32634
    x, y = transformer(4326, 32633).transform(lon, lat)
    there = PixelGrid(32633, float(np.floor(x / 10) * 10 - 1500), float(np.floor(y / 10) * 10 + 1500), 300, 300)
    east, north = transformer(32634, 32633).transform(*np.meshgrid(*here.centres_m()))
    column = np.floor((np.asarray(east) - there.left_m) / 10).astype(int)
    row = np.floor((there.top_m - np.asarray(north)) / 10).astype(int)
    other = planet.truth(there, SUMMER)[row, column]
    own = planet.truth(here, SUMMER)
    # The nearest pixel is up to 7 m off, so only pixels beside another class may differ.
    inner = np.ones_like(own, dtype=bool)
    for shift in (-2, -1, 1, 2):
        inner &= (np.roll(own, shift, 0) == own) & (np.roll(own, shift, 1) == own)
    inner[:2], inner[-2:], inner[:, :2], inner[:, -2:] = False, False, False, False
    assert inner.mean() > 0.3
    assert np.mean(other[inner] == own[inner]) > 0.995


def test_a_sample_around_cities_has_every_class_and_none_overwhelms(planet: Planet) -> None:
    rng = np.random.default_rng(3)
    places = cities()
    largest = np.argsort(places.radius_m)[::-1][:10_000]
    count = np.zeros(9)
    varied = []
    while len(varied) < 120:
        city = rng.choice(largest)
        lat = float(places.lat_deg[city] + rng.normal(0, 50) / 110.6)
        lon = float(places.lon_deg[city] + rng.normal(0, 50) / (111.3 * np.cos(np.radians(lat))))
        if not -55 < lat < 75 or abs(lon) > 179 or coast().land_share(np.array([lon]), np.array([lat]))[0] < 0.5:
            continue
        day = datetime(2021, 1 + 3 * (len(varied) % 4), 10, tzinfo=UTC)
        share = np.bincount(planet.truth(patch_grid(lon, lat, size_px=132), day).ravel(), minlength=9) / 132**2
        count += share
        varied.append(int(np.sum(share > 0.01)))
    assert (count > 0.3).all(), count
    assert count.max() / count.sum() < 0.35
    assert np.median(varied) >= 3


def test_the_open_sea_is_water(planet: Planet) -> None:
    assert (planet.truth(patch_grid(-30.0, 40.0), SUMMER) == WATER).all()


def test_snow_lies_in_the_winter_of_each_hemisphere(planet: Planet) -> None:
    north = patch_grid(25.5, 62.2)
    assert np.mean(planet.truth(north, WINTER) == SNOW) > 0.2
    assert np.mean(planet.truth(north, SUMMER) == SNOW) == 0.0
    south = patch_grid(-70.0, -52.0)
    assert np.mean(planet.truth(south, SUMMER) == SNOW) >= np.mean(planet.truth(south, WINTER) == SNOW)


def test_fields_have_details_and_landscapes(planet: Planet) -> None:
    cover = planet.truth(patch_grid(15.0, 45.5), SUMMER)
    borders = np.mean(cover[:, 1:] != cover[:, :-1])
    assert 0.005 < borders < 0.2
