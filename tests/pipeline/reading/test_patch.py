"""One season of one location, on the map."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rioxarray  # noqa: F401 - registers what understands the grid mapping
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from pipeline.reading import open_patch
from pipeline.reading.raw_units import in_raw_units
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.paths import AnyPath

RIOXARRAY = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # its own use of affine


@RIOXARRAY
@pytest.mark.parametrize("location_id", ["0000007", "0000190", "0000052", "0000300"])
def test_pixels_are_those_of_the_row_on_its_own_grid(tree: Any, location_id: str) -> None:
    row, grid = list(tree.grids).index(location_id), tree.grids[location_id]
    patch = open_patch(tree.root, location_id, 1)
    for name, values in tree.arrays.items():
        np.testing.assert_array_equal(patch[name].to_numpy(), values[row, 1])
    x, y = grid.centres_m()
    np.testing.assert_array_equal(patch.x, x)
    np.testing.assert_array_equal(patch.y, y)
    assert patch.rio.crs.to_epsg() == grid.epsg
    assert patch.s2.rio.transform()[:6] == grid.affine
    assert (patch.location_id.item(), patch.season.item(), patch.s1_id.item()) == (
        location_id,
        1,
        f"S1/{location_id}/1",
    )


def test_across_the_antimeridian_both_sides_are_right(tree: Any) -> None:
    for location_id, lat in (("0000190", 51.2), ("0000300", -17.0)):
        patch = open_patch(tree.root, location_id)
        to_degrees = Transformer.from_crs(patch.rio.crs, 4326, always_xy=True)
        lon, lats = to_degrees.transform(patch.x.values, np.full(patch.x.size, patch.y.values[12]))
        assert (lon > 179.99).any()
        assert (lon < -179.99).any()
        assert np.ptp(lon % 360.0) < 0.01
        np.testing.assert_allclose(lats, lat, atol=0.001)


def test_the_grid_mapping_survives_a_file(tree: Any, tmp_path: Path) -> None:
    open_patch(tree.root, "0000052", 2).to_zarr(tmp_path / "patch.zarr", zarr_format=2, consolidated=True)
    again = xr.open_zarr(tmp_path / "patch.zarr", decode_coords="all", mask_and_scale=False, chunks=None)
    assert again.dw.rio.crs.to_epsg() == 32733
    assert again.dw.encoding["grid_mapping"] == "spatial_ref"
    assert again.x.attrs["standard_name"] == "projection_x_coordinate"


def test_raw_units_are_restored_within_half_a_step(tree: Any, scalings: Any) -> None:
    stored, raw = open_patch(tree.root, "0000007", 3), open_patch(tree.root, "0000007", 3, raw=True)
    for name, unit in (("s2", "reflectance x 10000"), ("s1", "dB")):
        assert raw[name].dtype == np.float32
        assert raw[name].attrs["units"] == unit
        assert "scaling" not in raw[name].attrs
        np.testing.assert_array_equal(scalings[name].to_uint8(raw[name].to_numpy()), stored[name])
    np.testing.assert_allclose(raw.dw_prob, stored.dw_prob / 255.0, atol=1e-6)
    np.testing.assert_array_equal(raw.dw, stored.dw)
    assert raw.dw.dtype == np.uint8
    assert in_raw_units(raw).identical(raw)


@settings(deadline=None, max_examples=25)
@given(st.floats(-31.9, -0.1))
def test_a_value_within_the_range_comes_back_within_half_a_step(tree: Any, scalings: Any, value: float) -> None:
    scaling = scalings["s1"]
    low, span = scaling.low_and_span()
    stored = scaling.to_uint8(np.full((2, 1, 1), value, np.float32))
    patch = open_patch(tree.root, "0000007")[["s1"]].isel(y=[0], x=[0])
    back = in_raw_units(patch.assign(s1=patch.s1.copy(data=stored))).s1.to_numpy()[:, 0, 0]
    inside = np.clip(value, low, low + span)
    np.testing.assert_allclose(back, inside, atol=span.max() / 510 + 1e-4)


def test_a_tile_is_raw_already_and_says_what_is_no_data(tiles: Any) -> None:
    patch, raw = open_patch(tiles.root, "dw_b"), open_patch(tiles.root, "dw_b", raw=True)
    assert patch.identical(raw)
    np.testing.assert_array_equal(patch.s2, tiles.arrays["s2"][1])
    assert (patch.s2.rio.nodata, patch.s1.rio.nodata, patch.dw.rio.nodata) == (0, -9999.0, 255)


def test_a_tile_that_lies_nobody_knows_where_has_no_coordinates(tiles: Any) -> None:
    patch = open_patch(tiles.root, "dw_nowhere")
    np.testing.assert_array_equal(patch.dw, tiles.arrays["dw"][2])
    assert not {"x", "y", "spatial_ref"} & set(patch.coords)


def test_what_is_not_there_is_refused(tree: Any, tiles: Any) -> None:
    with pytest.raises(UsageError, match="no location '0000053'"):
        open_patch(tree.root, "0000053")
    with pytest.raises(UsageError, match="has season 0, 1, 2, 3, not 4"):
        open_patch(tree.root, "0000052", 4)
    with pytest.raises(UsageError, match="has season 0, not 1"):
        open_patch(tiles.root, "dw_a", 1)
    with pytest.raises(UsageError, match="no store 'dw_test'"):
        open_patch(tiles.root, "dw_a", store="dw_test")


def test_a_damaged_chunk_is_refused(tree: Any, tmp_path: Path) -> None:
    root = Path(shutil.copytree(tree.root, tmp_path / "set"))
    shard = root / "store" / "nol.zarr" / "dw" / "c" / "0" / "0" / "0" / "0"
    content = bytearray(shard.read_bytes())
    content[40] ^= 1
    shard.write_bytes(content)
    with pytest.raises(NoldoError, match=r"nol\.zarr cannot be read .*noldo manifest verify"):
        open_patch(root, next(iter(tree.grids)))


def test_a_row_that_the_store_lacks_is_refused(tree: Any, tmp_path: Path) -> None:
    root = Path(shutil.copytree(tree.root, tmp_path / "set"))
    index = root / "manifest" / "index.parquet"
    frame = pd.read_parquet(index)
    frame.assign(row=frame["row"] + 4).to_parquet(index)
    with pytest.raises(NoldoError, match=r"nol\.zarr cannot be read"):
        open_patch(root, "0000007")


def test_object_storage_is_read_alike(tree: Any, bucket: Callable[[], AnyPath]) -> None:
    root = bucket()
    for path in sorted(p for p in tree.root.rglob("*") if p.is_file()):
        (root / path.relative_to(tree.root).as_posix()).write_bytes(path.read_bytes())
    assert open_patch(root, "0000190", 3).identical(open_patch(tree.root, "0000190", 3))
