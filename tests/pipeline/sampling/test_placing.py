from itertools import repeat

import pytest

from pipeline.sampling import placing
from pipeline.sampling.placing import take
from pipeline.schema.grid import patch_grid

APART = [(0.1 * i, 45.0) for i in range(20)]


def test_draws_without_room_are_passed_over_and_ids_have_no_gaps() -> None:
    draws = [APART[0], APART[0], None, (0.0, 83.5), (0.0, -57.0), APART[1], (APART[1][0] + 0.01, 45.0), APART[2]]
    places = take(draws, 3)
    assert [(p.location_id, p.lon_deg) for p in places] == [("0000000", 0.0), ("0000001", 0.1), ("0000002", 0.2)]
    assert [p.grid for p in places] == [patch_grid(*draw) for draw in APART[:3]]


def test_patches_outside_are_passed_over() -> None:
    east = take(APART, 5, lambda grid: grid.footprint_lonlat().centroid.x > 0.55)
    assert [round(p.lon_deg, 1) for p in east] == [0.6, 0.7, 0.8, 0.9, 1.0]


def test_it_ends_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "MAX_REJECTED", 50)
    assert len(take(repeat((2.0, 48.0)), 2)) == 1
    assert take(repeat(None), 2) == []
