"""Tile names and corners are the real ones."""

import os
from pathlib import Path

import pandas as pd
import pytest
import shapely

from pipeline.emulator.tiles import tile_named, tiles_over

REAL = Path(os.environ.get("NOLDO_REAL", Path(__file__).resolve().parents[4] / "shared" / "real"))


@pytest.mark.parametrize(
    ("name", "epsg", "left", "top"),
    [
        ("33TWL", 32633, 499_980, 5_100_000), ("32TPT", 32632, 600_000, 5_300_040),
        ("31UDQ", 32631, 399_960, 5_500_020), ("56HLH", 32756, 300_000, 6_300_040),
    ],
)  # fmt: skip
def test_known_tiles_have_their_real_corners(name: str, epsg: int, left: int, top: int) -> None:
    tile = tile_named(name)
    assert tile is not None
    assert tile.grid.epsg == epsg
    assert tile.grid.left_m == left
    assert (tile.grid.width_px, tile.grid.height_px) == (10_980, 10_980)
    assert abs(tile.grid.top_m - top) <= 60
    assert tile.grid.left_m % 60 == 0
    assert tile.grid.top_m % 60 == 0


def test_names_that_are_no_tile() -> None:
    for name in ("", "33TIL", "99TWL", "33TWLX", "01CAA", "T33T"):
        assert tile_named(name) is None


def test_a_name_leads_back_to_its_tile() -> None:
    for lon, lat in [(15.95, 45.26), (-70.6, -33.4), (36.8, -1.3), (10.7, 59.9), (-122.4, 37.8), (0.02, 51.5)]:
        over = tiles_over(shapely.Point(lon, lat).buffer(0.01))
        assert over
        for tile in over:
            assert tile_named(tile.name) == tile
            assert tile_named(f"T{tile.name}") == tile


def test_the_open_ocean_has_no_tiles() -> None:
    assert tiles_over(shapely.Point(-30.5, 31.0).buffer(0.01)) == []


def test_real_locations_lie_on_the_tile_that_their_scene_names() -> None:
    path = REAL / "ssl4eo_s12_v1.1_locations.parquet"
    if not path.exists():
        pytest.skip("needs the real locations")
    table = pd.read_parquet(path, columns=["sample_id", "tile_id", "tile_crs", "geometry"]).drop_duplicates("sample_id")
    for tile_id, epsg, wkb in zip(table.tile_id[::5], table.tile_crs[::5], table.geometry[::5], strict=True):
        over = {f"T{tile.name}": tile.grid.epsg for tile in tiles_over(shapely.from_wkb(wkb))}
        assert over.get(tile_id) == epsg, (tile_id, over)
