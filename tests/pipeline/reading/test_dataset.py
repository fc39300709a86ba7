"""A whole store with what the index says of its rows."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import zarr

from pipeline.reading import open_dataset
from pipeline.schema.bands import S1_BANDS, S2_BANDS
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.paths import AnyPath


def change_index(root: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    path = root / "manifest" / "index.parquet"
    change(pd.read_parquet(path)).to_parquet(path)


@pytest.fixture
def copy(tree: Any, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tree.root, tmp_path / "set"))


def test_values_are_as_stored_and_bands_have_names(tree: Any) -> None:
    opened = open_dataset(tree.root)
    for name, values in tree.arrays.items():
        assert opened[name].dtype == np.uint8
        np.testing.assert_array_equal(opened[name].to_numpy(), values)
    assert tuple(opened.s2_band.values) == S2_BANDS
    assert tuple(opened.s1_band.values) == S1_BANDS
    assert opened.dw_class.values[6] == "built_area"
    red = opened.s2.sel(location_id="0000052", s2_band="B4", season=3)
    np.testing.assert_array_equal(red.to_numpy(), tree.arrays["s2"][2, 3, 3])


def test_labels_keep_255(tree: Any) -> None:
    dw = open_dataset(str(tree.root)).dw
    assert (dw[:, :, 0, :2] == 255).all()
    assert dw.attrs["_FillValue"] == 255


def test_nothing_is_read_before_it_is_asked_for(copy: Path) -> None:
    opened = open_dataset(copy)
    shutil.rmtree(copy / "store")
    assert opened.s2.shape == (4, 4, 13, 24, 24)
    assert opened.location_id.values[2] == "0000052"


def test_what_the_index_says_stands_by_row_and_season(tree: Any) -> None:
    place = open_dataset(tree.root).sel(location_id="0000052")
    assert list(place.s2_id.values) == [f"S2/0000052/{season}" for season in range(4)]
    assert place.s2_datetime.values[1] == np.datetime64("2021-04-13T10:00:01")
    assert place.cloud_pct.values[3] == pytest.approx(9.5)
    assert (int(place.epsg), str(place.split.values)) == (32733, "pretrain")
    np.testing.assert_array_equal(place.geotransform, tree.grids["0000052"].affine)


def test_rows_follow_the_store_whatever_the_order_of_the_index(copy: Path) -> None:
    before = open_dataset(copy).load()
    change_index(copy, lambda index: index.sample(frac=1.0, random_state=3))
    assert open_dataset(copy).load().identical(before)


def test_a_downstream_set_names_its_stores(tiles: Any) -> None:
    with pytest.raises(UsageError, match="several stores; name one of dw_test, dw_train"):
        open_dataset(tiles.root)
    with pytest.raises(UsageError, match="no store 'dw'; name one of dw_test, dw_train"):
        open_dataset(tiles.root, "dw")
    for name in ("dw_train", "dw_train.zarr", "store/dw_train.zarr"):
        assert open_dataset(tiles.root, name).sizes["tile"] == 3


def test_a_downstream_store_has_one_season_and_may_lack_scenes(tiles: Any) -> None:
    opened = open_dataset(tiles.root, "dw_train")
    np.testing.assert_array_equal(opened.s2.to_numpy(), tiles.arrays["s2"])
    assert opened.s1_id.dims == ("tile",)
    assert list(opened.s1_id.values) == ["S1/dw_a/0", "", ""]
    assert np.isnat(opened.s1_datetime.values[1])
    assert opened.epsg.values[2] == 0


@pytest.mark.parametrize(
    "change", [lambda i: i.iloc[1:], lambda i: pd.concat([i, i.iloc[:1]]), lambda i: i.assign(row=1)]
)
def test_an_index_that_does_not_fit_is_refused(copy: Path, change: Any) -> None:
    change_index(copy, change)
    with pytest.raises(NoldoError, match=r"4 rows of 4 season\(s\), but the index"):
        open_dataset(copy)


def test_a_folder_without_an_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give the folder that holds manifest and store"):
        open_dataset(tmp_path)


def test_what_cannot_be_read_is_named(copy: Path) -> None:
    (copy / "store" / "nol.zarr" / "zarr.json").write_text("{")
    with pytest.raises(NoldoError, match=r"nol\.zarr cannot be read"):
        open_dataset(copy)
    (copy / "manifest" / "index.parquet").write_bytes(b"PAR1")
    with pytest.raises(NoldoError, match=r"index\.parquet cannot be read"):
        open_dataset(copy)


def test_added_labels_are_no_part_of_it(copy: Path) -> None:
    store = zarr.open_group(copy / "store" / "nol.zarr")
    store.create_group("labels").create_array("pl", shape=(4, 4, 24, 24), dtype="uint8")
    assert set(open_dataset(copy).data_vars) == {"s1", "s2", "dw", "dw_prob"}


def test_object_storage_is_read_alike(tree: Any, bucket: Callable[[], AnyPath]) -> None:
    root = bucket()
    for path in sorted(p for p in tree.root.rglob("*") if p.is_file()):
        (root / path.relative_to(tree.root).as_posix()).write_bytes(path.read_bytes())
    opened = open_dataset(str(root)).isel(location=slice(1, 3), season=2)
    assert opened.load().identical(open_dataset(tree.root).isel(location=slice(1, 3), season=2).load())
