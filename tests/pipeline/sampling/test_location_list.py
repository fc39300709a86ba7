import os
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from shapely import Point

from pipeline.sampling.location_list import read_locations
from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PixelGrid, patch_grid

REAL = Path(os.environ.get("NOLDO_REAL", Path(__file__).parents[4] / "shared" / "real"))


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
    (place,), _ = read_locations(path)
    assert place.location_id == "0000007"
    assert place.grid == grid
    assert [d.month for d in place.dates] == [1, 4, 7, 10]
    assert all(d.utcoffset() is not None for d in place.dates)


def test_without_seasons_the_rows_are_in_order_of_time(tmp_path: Path) -> None:
    square = patch_grid(2.0, 48.0).footprint_lonlat()
    rows = gpd.read_parquet(write_list(tmp_path / "list.parquet", dict.fromkeys("ba", (square, 32631))))
    bare = tmp_path / "bare.parquet"
    rows[["idx", "sample_id", "time", "tile_id", "tile_crs", "geometry"]].to_parquet(bare)
    places, _ = read_locations(bare)
    assert [place.location_id for place in places] == ["a", "b"]
    assert [[d.month for d in place.dates] for place in places] == [[1, 4, 7, 10]] * 2


def test_where_seasons_are_given_they_are_the_order(tmp_path: Path) -> None:
    square = patch_grid(2.0, 48.0).footprint_lonlat()
    path = write_list(tmp_path / "list.parquet", {"a": (square, 32631)})
    rows = gpd.read_parquet(path)
    rows.assign(time_id=(rows.time_id + 1) % 4).to_parquet(path)
    (place,), _ = read_locations(path)
    assert [d.month for d in place.dates] == [10, 1, 4, 7]


def test_the_zone_of_the_footprint_is_found_among_the_tiles(tmp_path: Path) -> None:
    grid = PixelGrid(32632, 300_000.0, 5_400_000.0, 264, 264)
    other_zone = write_list(tmp_path / "a.parquet", {"1": (grid.footprint_lonlat(), 32631)})
    (place,), _ = read_locations(other_zone)
    assert place.grid.epsg == 32632
    assert place.grid.left_m % 10 == 0


def test_any_other_footprint_gives_the_patch_around_its_centre(tmp_path: Path) -> None:
    path = write_list(tmp_path / "list.parquet", {"a": (Point(2.0, 48.0).buffer(0.05), 32631)})
    (place,), _ = read_locations(path)
    assert place.grid == patch_grid(2.0, 48.0)


def test_the_limit_takes_the_first_ids(tmp_path: Path) -> None:
    square = patch_grid(2.0, 48.0).footprint_lonlat()
    path = write_list(tmp_path / "list.parquet", dict.fromkeys(("c", "a", "b"), (square, 32631)))
    assert [p.location_id for p in read_locations(path, limit=2)[0]] == ["a", "b"]


def changed(path: Path, column: str, row: int, value: object) -> Path:
    rows = gpd.read_parquet(path)
    rows[column] = rows[column].astype(object)
    rows.loc[row, column] = value
    if column == "geometry":
        rows = gpd.GeoDataFrame(rows, geometry="geometry", crs=4326)
    rows.to_parquet(path)
    return path


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("time", None, r"row 3 has the time"),
        ("tile_crs", None, r"row 3 has tile_crs"),
        ("time_id", 7, r"row 3 has time_id 7; seasons are 0\.\.3"),
        ("sample_id", None, r"row 3 has sample_id (None|nan); ids are text"),
        ("geometry", None, r"row 3 has no geometry"),
        ("geometry", Point(500_000, 5_000_000).buffer(1000), r"row 3 reaches over lon 499000.*degrees"),
    ],
)
def test_a_bad_row_of_metadata_is_named(tmp_path: Path, column: str, value: object, message: str) -> None:
    square = patch_grid(2.0, 48.0).footprint_lonlat()
    path = changed(write_list(tmp_path / "list.parquet", {"a": (square, 32631)}), column, 2, value)
    with pytest.raises(UsageError, match=message):
        read_locations(path)


def test_a_season_that_comes_twice_is_refused(tmp_path: Path) -> None:
    square = patch_grid(2.0, 48.0).footprint_lonlat()
    path = changed(write_list(tmp_path / "list.parquet", {"a": (square, 32631)}), "time_id", 2, 3)
    with pytest.raises(UsageError, match="a season of location a twice"):
        read_locations(path)


def test_a_tile_zone_that_is_no_utm_zone_is_refused(tmp_path: Path) -> None:
    path = write_list(tmp_path / "list.parquet", {"a": (patch_grid(2.0, 48.0).footprint_lonlat(), 4326)})
    with pytest.raises(UsageError, match=r"row \d has tile_crs 4326; UTM zones are"):
        read_locations(path)


def test_times_with_a_zone_are_brought_to_utc(tmp_path: Path) -> None:
    path = write_list(tmp_path / "list.parquet", {"a": (patch_grid(2.0, 48.0).footprint_lonlat(), 32631)})
    rows = gpd.read_parquet(path)
    rows.assign(time=rows.time.dt.tz_localize("Asia/Tokyo")).to_parquet(path)
    (place,), _ = read_locations(path)
    assert [d.hour for d in place.dates] == [1, 1, 1, 1]


def test_ids_choose_and_those_not_in_the_list_are_counted(tmp_path: Path) -> None:
    square = patch_grid(2.0, 48.0).footprint_lonlat()
    path = write_list(tmp_path / "list.parquet", dict.fromkeys(("0000003", "0000001", "0000002"), (square, 32631)))
    ids = tmp_path / "ids.txt"
    ids.write_text("0000003\n0000009\n0000001\n0000003\n")
    places, notes = read_locations(path, ids=ids)
    assert [p.location_id for p in places] == ["0000001", "0000003"]
    assert notes[0].startswith("1 of the 3 ids in")
    assert notes[0].endswith("the first 0000009")
    assert len(read_locations(path, ids=ids, limit=1)[0]) == 1


def test_patches_that_share_ground_are_kept_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("id,lon,lat\na,2.0,48.0\nb,2.01,48.0\nc,2.2,48.0\n")
    places, notes = read_locations(path)
    assert len(places) == 3
    assert notes == [f"2 of the 3 patches of {path} share ground with another; all are kept"]


@pytest.mark.parametrize("bad", ["../a", "a/b", "a\\b", ".", "..", "", "a\x07", "x" * 200])
def test_ids_that_are_no_names_are_refused(tmp_path: Path, bad: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"id,lon,lat\ngood,2.0,48.0\n{bad},3.0,48.0\n")
    with pytest.raises(UsageError, match=r"list\.csv line 3 has (the|an) id"):
        read_locations(path)


def test_an_id_that_comes_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("id,lon,lat\na,2.0,48.0\nb,3.0,48.0\na,4.0,48.0\n")
    with pytest.raises(UsageError, match=r"line 4 has the id a again \(2 times, first in .*line 2\)"):
        read_locations(path)


@pytest.mark.parametrize(
    ("lon", "lat", "message"),
    [("181", "48", "lon 181"), ("2", "91", "lat 91"), ("2", "-60", "Sentinel-2 images"), ("nan", "48", "numbers")],
)
def test_places_that_cannot_be_are_refused(tmp_path: Path, lon: str, lat: str, message: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"id,lon,lat\na,2.0,48.0\nb,{lon},{lat}\n")
    with pytest.raises(UsageError, match=rf"list\.csv line 3 .*{message}"):
        read_locations(path)


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
    gpd.GeoDataFrame({"sample_id": ["a"], "time": ["2020-01-01"]}, geometry=[square], crs=4326).to_parquet(bare)
    with pytest.raises(UsageError, match=r"lacks the column\(s\) tile_crs; it needs sample_id"):
        read_locations(bare)


@pytest.mark.skipif(not REAL.exists(), reason="the folder of real data is not here")
def test_real_locations_lie_on_the_grid() -> None:
    places, notes = read_locations(REAL / "ssl4eo_s12_v1.1_locations.parquet")
    assert "229 of the 1088 patches" in notes[0]  # SSL4EO-S12 keeps centres 1.98 km apart, less than a patch
    assert len(places) == 1088
    first = places[0]
    assert (first.location_id, first.grid) == ("0000186", PixelGrid(32633, 573_310.0, 5_013_770.0, 264, 264))
    rows = gpd.read_parquet(REAL / "ssl4eo_s12_v1.1_locations.parquet").drop_duplicates("sample_id")
    published = dict(zip(rows.sample_id, rows.geometry, strict=True))
    apart = [p.grid.footprint_lonlat().symmetric_difference(published[p.location_id]).area for p in places]
    whole = [published[p.location_id].area for p in places]
    assert max(a / w for a, w in zip(apart, whole, strict=True)) < 0.01
