from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from shapely import Point

from pipeline.sampling.feature_list import feature_rows
from pipeline.sampling.list_row import location_of
from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PixelGrid, patch_grid


def features(**columns: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry="geometry", crs=4326)


def test_points_and_footprints_with_ids() -> None:
    square = PixelGrid(32631, 450_010.0, 5_400_020.0, 264, 264)
    rows = feature_rows(
        features(id=["p", "s", "c"], geometry=[Point(2, 48), square.footprint_lonlat(), Point(3, 48).buffer(0.1)]),
        Path("list.gpkg"),
    )
    places = [location_of(row) for row in rows]
    assert [p.location_id for p in places] == ["p", "s", "c"]
    assert [p.grid for p in places] == [patch_grid(2, 48), square, patch_grid(3, 48)]
    assert (places[0].lon_deg, places[0].lat_deg) == (2.0, 48.0)


def test_whole_numbers_are_ids_and_rows_without_are_numbered() -> None:
    two = [Point(2, 48), Point(3, 48)]
    assert [r.location_id for r in feature_rows(features(id=[7, 8], geometry=two), Path("x"))] == ["7", "8"]
    assert [r.location_id for r in feature_rows(features(geometry=two), Path("x"))] == ["0000000", "0000001"]


def test_dates_come_as_times_or_text() -> None:
    stamps = {f"time_{i}": [pd.Timestamp(f"2021-0{i + 1}-02 03:00")] for i in range(4)}
    (row,) = feature_rows(features(**stamps, geometry=[Point(2, 48)]), Path("x"))
    assert [(d.month, d.hour, str(d.tzinfo)) for d in row.dates] == [(m, 3, "UTC") for m in (1, 2, 3, 4)]
    with pytest.raises(UsageError, match=r"x row 1 has time_2"):
        feature_rows(features(**{**stamps, "time_2": [pd.NaT]}, geometry=[Point(2, 48)]), Path("x"))
    with pytest.raises(UsageError, match="it needs all of"):
        feature_rows(features(time_1=["2021-01-01"], geometry=[Point(2, 48)]), Path("x"))


@pytest.mark.parametrize("bad", [None, 1.5, True])
def test_ids_that_are_neither_text_nor_whole_numbers_are_refused(bad: object) -> None:
    with pytest.raises(UsageError, match="x row 2 has id"):
        feature_rows(features(id=pd.Series(["a", bad], dtype=object), geometry=[Point(2, 48), Point(3, 48)]), Path("x"))
