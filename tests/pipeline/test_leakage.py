"""How near sets come to each other, against all pairs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.leakage import Place, leakage, near_to
from pipeline.nearness import nearest

PLACES = st.lists(
    st.tuples(st.integers(0, 30), st.floats(-0.2, 0.2), st.floats(-0.2, 0.2)),
    max_size=12,
    unique_by=lambda row: row[0],
).map(lambda rows: [Place(f"p{name}", (180.0 + x if x < 0 else x - 180.0, y)) for name, x, y in rows])


@given(PLACES, PLACES, st.floats(100, 20_000))
@settings(deadline=None, max_examples=40)
def test_two_sets_are_told_as_all_pairs_tell(first: list, second: list, reach_m: float) -> None:
    (found,) = leakage({"one": first, "other": second}, reach_m)
    apart = {
        a.location_id: min(nearest([a.centre], others)[0][0][1] for others in [[b.centre for b in strangers]])
        for a in first
        if (strangers := [b for b in second if b.location_id != a.location_id])
    }
    assert (found.first_count, found.second_count) == (len(first), len(second))
    assert found.same == len({p.location_id for p in first} & {p.location_id for p in second})
    assert found.nearest_m == (pytest.approx(min(apart.values()), abs=0.01) if apart else None)
    assert found.near == sum(metres <= reach_m for metres in apart.values())
    assert len(found.examples) == min(found.near, 3)


def test_every_two_sets_are_compared_once() -> None:
    sets = {"nol": [Place("a", (0, 0))], "osm_train": [Place("b", (0, 0))], "osm_test": [Place("b", (0, 0))]}
    found = {(n.first, n.second): n for n in leakage(sets, 1000)}
    assert list(found) == [("nol", "osm_train"), ("nol", "osm_test"), ("osm_train", "osm_test")]
    assert found["osm_train", "osm_test"].same == 1
    assert found["osm_train", "osm_test"].near == 0
    assert found["nol", "osm_test"].examples == ("a - b: 0 m",)


def test_the_places_near_another_set_are_named_with_the_nearest() -> None:
    tiles = [Place("east", (179.999, 5.0)), Place("far", (10.0, 5.0))]
    pretraining = [Place("west", (-179.999, 5.0)), Place("elsewhere", (170.0, 5.0))]
    ((tile, (other, metres)),) = near_to(tiles, pretraining, 5500).items()
    assert (tile, other, round(metres)) == ("east", "west", 222)
    assert near_to(tiles, pretraining, 200) == {}
    assert near_to(tiles, [], 200) == {}
