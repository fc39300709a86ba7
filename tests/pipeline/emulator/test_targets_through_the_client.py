"""Planted targets and shared ground, asked for as a build asks: one grid for all sensors, to the pixel."""

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from pipeline.emulator.flaws import flaws_of, parse_flaws
from pipeline.emulator.planet_spec import PlanetSpec
from pipeline.emulator.server import EmulatorServer
from pipeline.emulator.targets import REFLECTOR_DB, SATURATED_DN
from pipeline.emulator.truth import BUILT
from pipeline.export import plan_requests
from pipeline.match import match_part
from pipeline.schema.bands import S2_BANDS
from pipeline.schema.grid import PixelGrid, patch_grid
from pipeline.schema.records import Arrays, Location, SeasonMatch
from pipeline.season_windows import SeasonSettings
from pipeline.seasons import filter_seasons
from pipeline.sources.earthengine import EarthEngineSource, emulator_spec

SEED = 7
SIZE = 66
PLACES = [
    (2.3 + 0.41 * i, 48.1 - 0.23 * i) for i in range(6)
] + [(-58.4 + 0.2 * i, -34.9) for i in range(3)] + [(5.97, 44.1), (12.02, 45.8), (31.0, 29.4)]  # fmt: skip
"""Some lie beside a border of zones, where Sentinel-1 comes from the next zone."""
OFF = (0.0031, -0.0017)
"""Where each target lies from its patch's middle, degrees."""
TARGETS = ";".join(f"{lon + OFF[0]!r},{lat + OFF[1]!r}" for lon, lat in PLACES)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with EmulatorServer(PlanetSpec(SEED, targets=TARGETS).world()) as server:
        yield server.url


@cache
def kept(url: str) -> list[tuple[Location, list[SeasonMatch]]]:
    """The places where four seasons are had, with their scenes."""
    places = [Location(f"p{i}", lon, lat, patch_grid(lon, lat, SIZE)) for i, (lon, lat) in enumerate(PLACES)]
    source = EarthEngineSource(emulator_spec(url), "test")
    matches = match_part(places, SeasonSettings(), source)
    ids = {verdict.location_id for verdict in filter_seasons(places, matches) if verdict.kept}
    return [
        (place, [m for m in matches if m.location_id == place.location_id])
        for place in places
        if place.location_id in ids
    ]


def fetch(url: str, location: Location, matches: list[SeasonMatch]) -> Arrays:
    (request,) = plan_requests(location, matches)
    return EarthEngineSource(emulator_spec(url), "test").fetch_pixels(request)


def expected_pixel(location: Location) -> tuple[int, int]:
    """(row, column) of the target in its patch, from its degrees alone."""
    lon, lat = location.lon_deg + OFF[0], location.lat_deg + OFF[1]
    to_zone = Transformer.from_crs("EPSG:4326", f"EPSG:{location.grid.epsg}", always_xy=True)
    x, y = to_zone.transform(lon, lat)
    return math.floor((location.grid.top_m - y) / 10), math.floor((x - location.grid.left_m) / 10)


def brightest(image: np.ndarray) -> tuple[int, int]:
    row, column = np.unravel_index(np.argmax(image), image.shape)
    return int(row), int(column)


def test_all_sensors_show_the_target_in_the_one_expected_pixel(url: str) -> None:
    shown, alone, exact = 0, 0, 0
    for location, matches in kept(url):
        arrays = fetch(url, location, matches)
        here = expected_pixel(location)
        around = (slice(here[0] - 1, here[0] + 2), slice(here[1] - 1, here[1] + 2))
        for match in matches:
            season = match.season
            red = arrays[f"s2_{season}_B4"]
            assert brightest(red) == here
            if match.s2_tile is not None and int(match.s2_tile[:2]) == location.grid.epsg % 100:
                assert red[here] == SATURATED_DN, "on its own lattice a target is one pixel and no other"
                assert np.count_nonzero(red > SATURATED_DN / 3) == 1
            for band in ("VV", "VH"):
                echo = arrays[f"s1_{season}_{band}"]
                assert brightest(echo) == here
                exact += echo[here] == REFLECTOR_DB
            label = arrays[f"dw_{season}"]
            assert label[here] == BUILT
            alone += np.count_nonzero(label[around] == BUILT) == 1
            shown += 1
    assert shown >= 8, "of too few places were four seasons had"
    assert alone >= 4, "a label one pixel off would not be seen"
    assert 0 < exact < 2 * shown, "of Sentinel-1, images of the patch's own zone and of the next were to be seen"


def test_coarse_bands_show_it_in_the_pixels_about_it(url: str) -> None:
    location, matches = kept(url)[0]
    arrays = fetch(url, location, matches)
    row, column = expected_pixel(location)
    for band, reach in (("B5", 2), ("B1", 6)):
        image = arrays[f"s2_0_{band}"].astype(float)
        near = image[row - reach : row + reach + 1, column - reach : column + reach + 1]
        assert brightest(image)[0] in range(row - reach, row + reach + 1)
        assert near.max() > 3 * np.median(image)


@settings(deadline=None, max_examples=6)
@given(east=st.integers(-60, 60), south=st.integers(-60, 60), pick=st.integers(0, 3))
def test_patches_that_share_ground_have_the_same_pixels_there(url: str, east: int, south: int, pick: int) -> None:
    location, matches = kept(url)[pick % len(kept(url))]
    grid = location.grid
    moved = PixelGrid(grid.epsg, grid.left_m + 10 * east, grid.top_m - 10 * south, SIZE, SIZE)
    other = Location("other", location.lon_deg, location.lat_deg, moved)
    one = fetch(url, location, matches)
    two = fetch(url, other, [replace(match, location_id="other") for match in matches])
    rows = slice(max(0, south), SIZE + min(0, south)), slice(max(0, -south), SIZE + min(0, -south))
    columns = slice(max(0, east), SIZE + min(0, east)), slice(max(0, -east), SIZE + min(0, -east))
    assert len(one) == 4 * (len(S2_BANDS) + 3)
    for name, image in one.items():
        here, there = image[rows[0], columns[0]], two[name][rows[1], columns[1]]
        assert here.size == (SIZE - abs(east)) * (SIZE - abs(south)) > 0
        np.testing.assert_array_equal(here, there, name)


def test_a_displaced_image_shows_the_target_beside_its_place(url: str) -> None:
    """The check of one grid sees a displacement by a pixel, and flaws reach the pixels that a build gets."""
    flaws = "shift:1"
    with EmulatorServer(PlanetSpec(SEED, targets=TARGETS, flaws=flaws).world()) as flawed:
        location, matches = kept(url)[0]
        arrays = fetch(flawed.url, location, matches)
        row, column = expected_pixel(location)
        for match in matches:
            assert match.s1_id is not None
            east, south = flaws_of(SEED, parse_flaws(flaws), match.s1_id).shift_px
            at = brightest(arrays[f"s1_{match.season}_VV"])
            assert max(abs(at[0] - row - south), abs(at[1] - column - east)) <= 1
            assert at != (row, column)
            assert brightest(arrays[f"s2_{match.season}_B4"]) == (row, column)
