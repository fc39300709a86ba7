import pytest
from shapely import MultiPolygon, box

from pipeline.sampling.neighbourhood import count_sharing
from pipeline.sampling.region import Region
from pipeline.sampling.regular import SIDE_M, every_patch


@pytest.mark.parametrize(
    "area",
    [
        box(1.0, 48.0, 1.5, 48.4),
        box(5.8, 60.0, 6.2, 60.3),
        box(11.8, -0.2, 12.2, 0.2),
        MultiPolygon([box(179.7, 65, 180, 65.3), box(-180, 65, -179.7, 65.3)]),
        box(8.0, 78.0, 10.0, 78.3),
    ],
    ids=["one zone", "Norway", "equator and zones", "date line", "Svalbard"],
)
def test_the_grid_lies_within_overlaps_nothing_and_leaves_no_room(area: object) -> None:
    region = Region(area)
    places = every_patch(region, None, seed=0)
    assert count_sharing(places) == 0
    assert all(region.holds_patch(p.grid) for p in places)
    assert all(p.grid.left_m % SIDE_M == 0 and p.grid.top_m % SIDE_M == 0 for p in places)
    side = [(p.grid.epsg, p.grid.left_m, p.grid.top_m) for p in places]
    assert len(set(side)) == len(places)
    in_line = sum((epsg, left + SIDE_M, top) in set(side) for epsg, left, top in side)
    assert in_line > 0.5 * len(places)  # next to most patches there is another: no gaps


def test_a_count_takes_a_seeded_part_and_a_smaller_one_begins_a_larger_one() -> None:
    region = Region(box(1.0, 48.0, 1.5, 48.4))
    every = every_patch(region, None, seed=1)
    assert every_patch(region, 10, seed=1) == every[:10]
    assert every_patch(region, 10, seed=2) != every[:10]
    assert [p.location_id for p in every] == [f"{i:07d}" for i in range(len(every))]


def test_where_no_patch_fits_there_is_none() -> None:
    assert every_patch(Region(box(1.0, 48.0, 1.01, 48.01)), None, seed=0) == []
    assert every_patch(Region(box(1.0, -80.0, 2.0, -79.0)), None, seed=0) == []
