"""Scenes at real places and times."""

import os
from datetime import UTC, timedelta
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from pipeline.emulator.planet import Planet
from pipeline.emulator.scene import DW_COLLECTION, S1_COLLECTION, S2_COLLECTION
from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PixelGrid, patch_grid

REAL = Path(os.environ.get("NOLDO_REAL", Path(__file__).resolve().parents[4] / "shared" / "real"))
TIMES = ["2020-01-06 10:04:01", "2020-04-27 09:50:29", "2020-07-31 09:50:41", "2020-10-22 10:00:51"]


@pytest.fixture
def listing(tmp_path: Path) -> Path:
    patch = patch_grid(15.95, 45.26).footprint_lonlat()
    frame = gpd.GeoDataFrame(
        {
            "idx": [f"0000186_{k}" for k in range(4)],
            "sample_id": ["0000186"] * 4,
            "time": gpd.pd.to_datetime(TIMES),
            "tile_id": ["T33TWL"] * 4,
            "tile_crs": [32633] * 4,
        },
        geometry=[patch] * 4,
        crs=4326,
    )
    path = tmp_path / "locations.parquet"
    frame.to_parquet(path)
    return path


def test_each_row_is_a_clear_scene_at_exactly_its_time(listing: Path) -> None:
    planet = Planet(0, listing)
    region = patch_grid(15.95, 45.26).footprint_lonlat()
    for text in TIMES:
        time = gpd.pd.Timestamp(text).to_pydatetime().replace(tzinfo=UTC)
        found = planet.search(S2_COLLECTION, region, time, time + timedelta(seconds=1))
        assert [s.time for s in found] == [time]
        scene = found[0]
        assert scene.properties["MGRS_TILE"] == "33TWL"
        assert float(str(scene.properties["CLOUDY_PIXEL_PERCENTAGE"])) < 20.0
        assert scene.footprint.contains(region)
        assert planet.scene(scene.asset_id) == scene
        day = planet.search(S2_COLLECTION, region, time - timedelta(hours=3), time + timedelta(hours=3))
        assert [s.index for s in day if s.properties["MGRS_TILE"] == "33TWL"] == [scene.index]
        grid = PixelGrid(32633, scene.grid.left_m + 60_000, scene.grid.top_m - 60_000, 20, 20)
        assert planet.read(scene, ["B2"], grid)["B2"].valid.all()
        assert planet.search(S1_COLLECTION, region, time - timedelta(days=30), time + timedelta(days=30))


@pytest.mark.parametrize("layout", [["time", "tile_id"], ["sample_id", "time_id", "time", "tile_id", "tile_crs"]])
def test_any_layout_with_tiles_and_times_gives_the_same_scenes(
    listing: Path, tmp_path: Path, layout: list[str]
) -> None:
    whole = gpd.read_parquet(listing).assign(time_id=range(4))
    whole[[*layout, "geometry"]].to_parquet(tmp_path / "other.parquet")
    region = patch_grid(15.95, 45.26).footprint_lonlat()
    window = (gpd.pd.Timestamp("2020-01-01", tz=UTC), gpd.pd.Timestamp("2021-01-01", tz=UTC))
    scenes = [Planet(0, path).search(S2_COLLECTION, region, *window) for path in (listing, tmp_path / "other.parquet")]
    assert scenes[0] == scenes[1]
    times = {gpd.pd.Timestamp(text, tz=UTC).to_pydatetime() for text in TIMES}
    assert times <= {scene.time for scene in scenes[0]}


def test_the_rest_of_the_catalogue_stays(listing: Path) -> None:
    region = patch_grid(15.95, 45.26).footprint_lonlat()
    time = gpd.pd.Timestamp(TIMES[0]).to_pydatetime().replace(tzinfo=UTC)
    window = (time + timedelta(days=1), time + timedelta(days=31))
    for collection in (S2_COLLECTION, DW_COLLECTION):
        listed = Planet(0, listing).search(collection, region, *window)
        assert [s.index for s in listed] == [s.index for s in Planet(0).search(collection, region, *window)]


def test_an_unusable_list_is_refused_in_plain_words(tmp_path: Path, listing: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        Planet(0, tmp_path / "missing.parquet")
    frame = gpd.read_parquet(listing)
    frame.drop(columns="time").to_parquet(tmp_path / "short.parquet")
    with pytest.raises(UsageError, match="lacks the columns time"):
        Planet(0, tmp_path / "short.parquet")
    frame.assign(tile_id="T99ZZZ").to_parquet(tmp_path / "odd.parquet")
    with pytest.raises(UsageError, match="T99ZZZ"):
        Planet(0, tmp_path / "odd.parquet")


def test_the_real_list() -> None:
    path = REAL / "ssl4eo_s12_v1.1_locations.parquet"
    if not path.exists():
        pytest.skip("needs the real locations")
    planet = Planet(0, path)
    table = gpd.read_parquet(path).iloc[::97]
    labelled = 0
    for tile, time, patch in zip(table.tile_id, table.time, table.geometry, strict=True):
        when = time.to_pydatetime().replace(tzinfo=UTC)
        found = planet.search(S2_COLLECTION, patch, when, when + timedelta(seconds=1))
        assert any(s.index.endswith(tile) and s.footprint.contains(shapely.Point(patch.centroid)) for s in found)
        labelled += any(
            s.index.endswith(tile) for s in planet.search(DW_COLLECTION, patch, when, when + timedelta(seconds=1))
        )
    assert 0.55 < labelled / len(table) < 1.0
