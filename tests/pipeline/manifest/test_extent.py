"""Where and when a data set lies, across 180 degrees too."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from pipeline.manifest.extent import extent_of
from pipeline.manifest.index import SCHEMA, with_places
from pipeline.schema.grid import PixelGrid, patch_grid


def index_at(*places: tuple[float, float] | None) -> pa.Table:
    grids = [patch_grid(*place) if place else PixelGrid(0, 0.0, 0.0, 4, 4) for place in places]
    columns = {name: pa.nulls(len(grids), kind) for name, kind in zip(SCHEMA.names, SCHEMA.types, strict=True)}
    return with_places(columns, grids, np.arange(len(grids)))


@pytest.mark.parametrize(
    ("places", "west", "east"),
    [
        ([(7.0, 46.0), (9.0, 47.0)], 7.0, 9.0),
        ([(-120.0, 46.0), (140.0, 47.0), (7.0, 46.5)], -120.0, 140.0),
        ([(-120.0, 46.0), (140.0, 47.0)], 140.0, -120.0),
        ([(179.0, -17.0), (-178.0, -18.0)], 179.0, -178.0),
        ([(180.0, -17.0)], 180.0, -180.0),
    ],
)
def test_the_box_holds_every_outline_and_no_more(places: list[tuple[float, float]], west: float, east: float) -> None:
    found = extent_of(index_at(*places)).bbox
    assert found is not None
    assert (found[0], found[2]) == pytest.approx((west, east), abs=0.05)
    assert (found[1], found[3]) == pytest.approx((min(y for _, y in places), max(y for _, y in places)), abs=0.05)


def test_what_nobody_knows_is_left_out() -> None:
    nowhere = extent_of(index_at(None))
    assert (nowhere.bbox, nowhere.first, nowhere.last, nowhere.epsg) == (None, None, None, ())
    assert extent_of(index_at(None, (7.0, 46.0), (9.0, 46.0), (13.0, 46.0))).epsg == (32632, 32633)


def test_times_are_of_both_sensors() -> None:
    index = index_at((7.0, 46.0), (7.1, 46.0))
    moments = [datetime(2020, month, 1, tzinfo=UTC) for month in (3, 5, 2, 4)]
    for name, times in (("s2_datetime", moments[:2]), ("s1_datetime", moments[2:])):
        field = SCHEMA.field(name)
        index = index.set_column(SCHEMA.get_field_index(name), field, pa.array(times, field.type))
    found = extent_of(index)
    assert (found.first, found.last) == (moments[2], moments[1])
