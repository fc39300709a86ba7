"""Distances along the sphere, against the haversine formula and against all pairs."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.nearness import EARTH_M, nearest, pairs_within

PLACES = st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), min_size=0, max_size=12)


def haversine_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    (lon_a, lat_a), (lon_b, lat_b) = (tuple(map(math.radians, place)) for place in (one, other))
    half = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(half)))


@given(PLACES, PLACES)
@settings(deadline=None, max_examples=40)
def test_the_nearest_is_the_least_of_all(places: list, others: list) -> None:
    found = nearest(places, others, most=2)
    assert len(found) == len(places)
    for place, near in zip(places, found, strict=True):
        all_of_them = sorted(haversine_m(place, other) for other in others)
        assert [metres for _, metres in near] == pytest.approx(all_of_them[:2], rel=1e-6, abs=0.5)
        assert [haversine_m(place, others[at]) for at, _ in near] == pytest.approx(all_of_them[:2], rel=1e-6, abs=0.5)


@given(PLACES, st.floats(1, 2.0e7))
@settings(deadline=None, max_examples=40)
def test_pairs_are_all_those_within_reach(places: list, reach_m: float) -> None:
    pairs = set(pairs_within(places, reach_m))
    for i, one in enumerate(places):
        for j in range(i + 1, len(places)):
            metres = haversine_m(one, places[j])
            if abs(metres - reach_m) > 1.0:
                assert ((i, j) in pairs) == (metres < reach_m)


def test_the_date_line_is_no_border() -> None:
    ((_, metres),) = nearest([(179.999, -17.0)], [(-179.999, -17.0), (179.0, -17.0)])[0]
    assert metres == pytest.approx(0.002 * math.pi / 180 * EARTH_M * math.cos(math.radians(17)), rel=1e-4)
    assert pairs_within([(179.999, 0.0), (-179.999, 0.0)], 300.0) == [(0, 1)]
