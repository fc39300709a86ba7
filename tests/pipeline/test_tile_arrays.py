import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schema.bands import S1_NODATA
from pipeline.schema.errors import NoldoError
from pipeline.schema.grid import PixelGrid
from pipeline.tile_arrays import LEGENDS, create_tile_arrays, pad_grid, pad_tile, read_tile_row

LAYOUT = {
    "s2": ("uint16", ("tile", "s2_band", "y", "x"), (13, 512, 512), 0, "shuffle"),
    "s1": ("float32", ("tile", "s1_band", "y", "x"), (2, 512, 512), -9999.0, "shuffle"),
    "dw": ("uint8", ("tile", "y", "x"), (512, 512), 255, "noshuffle"),
    "osm": ("uint8", ("tile", "y", "x"), (512, 512), 255, "noshuffle"),
    "ignore": ("uint8", ("tile", "y", "x"), (512, 512), 1, "noshuffle"),
    "epsg": ("int32", ("tile",), (), 0, "shuffle"),
    "geotransform": ("float64", ("tile", "coefficient"), (6,), 0.0, "shuffle"),
}
"""The layout that users rely on: type, dimensions, row, fill, shuffle."""


def test_the_layout_is_as_promised(tmp_path: Path) -> None:
    group = zarr.create_group(tmp_path)
    create_tile_arrays(group, n_rows=40, size_px=512, shard_rows=16, codec="zstd", labels=("dw", "osm"))
    assert {path.parent.name for path in tmp_path.glob("*/zarr.json")} == set(LAYOUT)
    for name, (dtype, dimensions, row, fill, shuffle) in LAYOUT.items():
        plain = json.loads((tmp_path / name / "zarr.json").read_text())
        assert (plain["zarr_format"], plain["data_type"], plain["fill_value"]) == (3, dtype, fill)
        assert tuple(plain["dimension_names"]) == dimensions
        assert tuple(plain["shape"]) == (40, *row)
        assert tuple(plain["chunk_grid"]["configuration"]["chunk_shape"]) == (16, *row)
        (sharding,) = plain["codecs"]
        assert tuple(sharding["configuration"]["chunk_shape"]) == (1, *row)
        inner = sharding["configuration"]["codecs"]
        assert [c["name"] for c in inner] == ["bytes", "blosc", "crc32c"]
        assert (inner[1]["configuration"]["cname"], inner[1]["configuration"]["shuffle"]) == ("zstd", shuffle)
        assert plain["attributes"]["long_name"]


@pytest.mark.parametrize("name", LEGENDS)
def test_label_attributes_name_every_class(tmp_path: Path, name: Any) -> None:
    group = zarr.create_group(tmp_path)
    create_tile_arrays(group, n_rows=1, size_px=4, shard_rows=1, codec="lz4", labels=(name,))
    found = group[name].attrs
    words = str(found["flag_meanings"]).split()
    assert len(words) == len(LEGENDS[name]) == len(set(words))
    assert found["flag_values"] == [c.code for c in LEGENDS[name]]
    assert found["_FillValue"] == 255


@settings(max_examples=40, deadline=None)
@given(
    px=st.integers(1, 9),
    more=st.integers(0, 7),
    left=st.integers(16, 70_000),
    top=st.integers(0, 900_000),
    data=st.data(),
)
def test_padding_moves_no_pixel(px: int, more: int, left: int, top: int, data: st.DataObject) -> None:
    """Every pixel keeps its value and its coordinates; all others hold nothing."""
    grid = PixelGrid(32633, left * 10.0, top * 10.0, px, px)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    tile = {
        "s2": rng.integers(1, 99, (13, px, px), dtype=np.uint16),
        "s1": rng.normal(size=(2, px, px)).astype(np.float32),
        "dw": rng.integers(0, 9, (px, px), dtype=np.uint8),
        "osm": rng.integers(1, 14, (px, px), dtype=np.uint8),
    }
    padded, moved = pad_tile(tile, grid, px + more)
    assert moved == pad_grid(grid, px + more)
    (xs, ys), (own_xs, own_ys) = moved.centres_m(), grid.centres_m()
    across = {float(x): at for at, x in enumerate(xs)}
    down = {float(y): at for at, y in enumerate(ys)}
    columns, rows = [across[float(x)] for x in own_xs], [down[float(y)] for y in own_ys]
    empty = {"s2": 0, "s1": S1_NODATA, "dw": 255, "osm": 255}
    for name, values in tile.items():
        whole = padded[name]
        assert whole.dtype == values.dtype
        assert whole.shape == (*values.shape[:-2], px + more, px + more)
        assert (whole[..., rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] == values).all()
        whole[..., rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = empty[name]
        assert (whole == empty[name]).all()


def test_a_training_tile_gets_a_ring_of_one_pixel() -> None:
    moved = pad_grid(PixelGrid(32733, 500_000.0, 8_000_000.0, 510, 510), 512)
    assert (moved.left_m, moved.top_m, moved.width_px, moved.height_px) == (499_990.0, 8_000_010.0, 512, 512)


def test_a_tile_that_does_not_fit_is_refused() -> None:
    grid = PixelGrid(32633, 0.0, 0.0, 5, 4)
    with pytest.raises(ValueError, match="does not fit into 4"):
        pad_tile({"dw": np.zeros((4, 5), np.uint8)}, grid, 4)
    with pytest.raises(ValueError, match="'dw' is"):
        pad_tile({"dw": np.zeros((5, 4), np.uint8)}, grid, 6)


def test_a_row_comes_back_with_its_images_and_labels(tmp_path: Path, make_packed_tiles: Any, make_tile: Any) -> None:
    made = make_packed_tiles(tmp_path, labels=("dw", "osm"))
    (store,) = [s for s in made.stores if s.split == "test"]
    for row in store.rows:
        found = read_tile_row(made.run.store(store.name), row.row)
        own = made.grids[row.tile_id]
        expected, grid = pad_tile(make_tile(row.tile_id, own.width_px, ("dw", "osm")), own, 32)
        assert grid == row.grid
        assert set(found) == {"s2", "s1", "dw", "osm"}
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values)
    with pytest.raises(NoldoError, match="row 7 cannot be read"):
        read_tile_row(made.run.store(store.name), 7)
    with pytest.raises(NoldoError, match="cannot be read"):
        read_tile_row(tmp_path / "nowhere", 0)
