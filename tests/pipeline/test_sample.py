from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod
from scipy.spatial import cKDTree

from pipeline.sample import MIN_DISTANCE_M, SampleSettings, _draws, _Neighbourhood, sample
from pipeline.schema.errors import UsageError
from pipeline.schema.strict import validated

EARTH = Geod(ellps="WGS84")


def test_a_smaller_sample_begins_a_larger_one_and_the_seed_decides() -> None:
    few, many = sample(SampleSettings(count=40, seed=3)), sample(SampleSettings(count=90, seed=3))
    assert many[:40] == few
    assert sample(SampleSettings(count=40, seed=4)) != few
    assert len({place.location_id for place in many}) == 90


def test_no_two_patches_overlap_even_around_a_single_city() -> None:
    places = sample(SampleSettings(count=400, seed=0, cities=1, sigma_km=25))
    by_zone: dict[int, list[tuple[float, float]]] = {}
    for place in places:
        by_zone.setdefault(place.grid.epsg, []).append((place.grid.left_m, place.grid.top_m))
    for corners in by_zone.values():
        pairs = cKDTree(corners).query_pairs(2640.0 - 1e-6, p=np.inf)
        assert pairs == set()


def test_offsets_are_gaussian_in_metres_east_and_north() -> None:
    lon, lat = np.array(list(islice(_draws(SampleSettings(count=1, seed=5, cities=1, sigma_km=50)), 4000))).T
    azimuth, _, distance = EARTH.inv(np.full_like(lon, np.median(lon)), np.full_like(lat, np.median(lat)), lon, lat)
    east, north = distance * np.sin(np.radians(azimuth)), distance * np.cos(np.radians(azimuth))
    assert np.std(east) == pytest.approx(50_000, rel=0.05)
    assert np.std(north) == pytest.approx(50_000, rel=0.05)


@given(
    lon=st.floats(-180, 180),
    lat=st.sampled_from([-89.9, -56.0, 0.0, 48.0, 83.0, 89.99]),
    azimuth=st.floats(0, 360),
    factor=st.floats(0.0, 0.95),
)
@settings(max_examples=80, deadline=None)
def test_neighbours_are_found_across_the_date_line_and_the_poles(
    lon: float, lat: float, azimuth: float, factor: float
) -> None:
    near = _Neighbourhood(MIN_DISTANCE_M)
    assert near.add_if_free(lon, lat)
    other_lon, other_lat, _ = EARTH.fwd(lon, lat, azimuth, factor * MIN_DISTANCE_M)
    assert not near.add_if_free(other_lon, other_lat)
    far_lon, far_lat, _ = EARTH.fwd(lon, lat, azimuth, 1.1 * MIN_DISTANCE_M)
    assert near.add_if_free(far_lon, far_lat)


def test_ids_follow_the_draw() -> None:
    places = sample(SampleSettings(count=12, seed=1))
    assert all(int(b.location_id) == int(a.location_id) + 1 for a, b in pairwise(places))


@pytest.mark.parametrize(
    "raw", [{}, {"count": 3, "from": "list.parquet"}, {"count": 3, "limit": 2}, {"count": 0}, {"form": "x"}]
)
def test_contradictions_are_refused(raw: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        validated(SampleSettings, raw, where="recipe")


def test_a_sample_that_finds_no_room_says_so() -> None:
    with pytest.raises(UsageError, match=r"no room for more than \d+ of 50 patches around 1 cities"):
        sample(SampleSettings(count=50, cities=1, sigma_km=0.5))
