import os
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from shapely import Point

from pipeline.location_list import read_locations
from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PixelGrid, patch_grid

REAL = Path(os.environ.get("NOLDO_REAL", Path(__file__).parents[3] / "shared" / "real"))


def write_list(path: Path, footprints: dict[str, tuple[object, int]], dates: int = 4) -> Path:
    rows = [
        {
            "idx": f"{place}_{t}",
            "sample_id": place,
            "time_id": t,
            "time": pd.Timestamp(f"2020-{3 * t + 1:02d}-05 10:00:00"),
            "tile_id": "T31UDQ",
            "tile_crs": epsg,
            "geometry": footprint,
        }
        for place, (footprint, epsg) in footprints.items()
        for t in reversed(range(dates))
    ]
    gpd.GeoDataFrame(rows, crs=4326).to_parquet(path)
    return path


def test_a_square_on_the_grid_is_taken_to_the_pixel(tmp_path: Path) -> None:
    grid = PixelGrid(32631, 450_010.0, 5_400_020.0, 264, 264)
    path = write_list(tmp_path / "list.parquet", {"0000007": (grid.footprint_lonlat(), 32631)})
    (place,) = read_locations(path)
    assert place.location_id == "0000007"
    assert place.grid == grid
    assert [d.month for d in place.dates] == [1, 4, 7, 10]
    assert all(d.utcoffset() is not None for d in place.dates)


def test_without_seasons_the_rows_are_in_order_of_time(tmp_path: Path) -> None:
    square = patch_grid(2.0, 48.0).footprint_lonlat()
    rows = gpd.read_parquet(write_list(tmp_path / "list.parquet", dict.fromkeys("ba", (square, 32631))))
    bare = tmp_path / "bare.parquet"
    rows[["idx", "sample_id", "time", "tile_id", "tile_crs", "geometry"]].to_parquet(bare)
    places = read_locations(bare)
    assert [place.location_id for place in places] == ["a", "b"]
    assert [[d.month for d in place.dates] for place in places] == [[1, 4, 7, 10]] * 2


def test_where_seasons_are_given_they_are_the_order(tmp_path: Path) -> None:
    square = patch_grid(2.0, 48.0).footprint_lonlat()
    path = write_list(tmp_path / "list.parquet", {"a": (square, 32631)})
    rows = gpd.read_parquet(path)
    rows.assign(time_id=(rows.time_id + 1) % 4).to_parquet(path)
    (place,) = read_locations(path)
    assert [d.month for d in place.dates] == [10, 1, 4, 7]


def test_the_zone_of_the_footprint_is_found_among_the_tiles(tmp_path: Path) -> None:
    grid = PixelGrid(32632, 300_000.0, 5_400_000.0, 264, 264)
    other_zone = write_list(tmp_path / "a.parquet", {"1": (grid.footprint_lonlat(), 32631)})
    (place,) = read_locations(other_zone)
    assert place.grid.epsg == 32632
    assert place.grid.left_m % 10 == 0


def test_any_other_footprint_gives_the_patch_around_its_centre(tmp_path: Path) -> None:
    path = write_list(tmp_path / "list.parquet", {"a": (Point(2.0, 48.0).buffer(0.05), 32631)})
    (place,) = read_locations(path)
    assert place.grid == patch_grid(2.0, 48.0)


def test_the_limit_takes_the_first_ids(tmp_path: Path) -> None:
    square = patch_grid(2.0, 48.0).footprint_lonlat()
    path = write_list(tmp_path / "list.parquet", dict.fromkeys(("c", "a", "b"), (square, 32631)))
    assert [p.location_id for p in read_locations(path, limit=2)] == ["a", "b"]


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    square = patch_grid(2.0, 48.0).footprint_lonlat()
    with pytest.raises(UsageError, match="no readable GeoParquet"):
        read_locations(tmp_path / "absent.parquet")
    text = tmp_path / "text.parquet"
    text.write_text("lon,lat")
    with pytest.raises(UsageError, match="no readable GeoParquet"):
        read_locations(text)
    three = write_list(tmp_path / "three.parquet", {"x": (square, 32631)}, dates=3)
    with pytest.raises(UsageError, match="3 dates for location x; it needs 4"):
        read_locations(three)
    bare = tmp_path / "bare.parquet"
    gpd.GeoDataFrame({"sample_id": ["a"]}, geometry=[square], crs=4326).to_parquet(bare)
    with pytest.raises(UsageError, match=r"lacks the column\(s\) time, tile_crs; it needs sample_id"):
        read_locations(bare)


@pytest.mark.skipif(not REAL.exists(), reason="the folder of real data is not here")
def test_real_locations_lie_on_the_grid() -> None:
    places = read_locations(REAL / "ssl4eo_s12_v1.1_locations.parquet")
    assert len(places) == 1088
    first = places[0]
    assert (first.location_id, first.grid) == ("0000186", PixelGrid(32633, 573_310.0, 5_013_770.0, 264, 264))
    rows = gpd.read_parquet(REAL / "ssl4eo_s12_v1.1_locations.parquet").drop_duplicates("sample_id")
    published = dict(zip(rows.sample_id, rows.geometry, strict=True))
    apart = [p.grid.footprint_lonlat().symmetric_difference(published[p.location_id]).area for p in places]
    whole = [published[p.location_id].area for p in places]
    assert max(a / w for a, w in zip(apart, whole, strict=True)) < 0.01
