from collections.abc import Callable
from pathlib import Path

import pytest
import zarr

from pipeline.schema.errors import UsageError
from pipeline.tile_arrays import LEGENDS as STORED_LEGENDS
from training.transfer.tile_store import LEGENDS, open_tile_store

StoreWriter = Callable[..., Path]


def test_the_legends_are_those_of_the_stores() -> None:
    assert LEGENDS == STORED_LEGENDS
    assert list(LEGENDS) == list(STORED_LEGENDS)


def test_a_store_is_about_its_last_labels(tile_store: StoreWriter, tmp_path: Path) -> None:
    path = tile_store(tmp_path / "osm_train.zarr", tiles=2, px=12, labels=("dw", "osm"))
    store = open_tile_store(path, "s2", None)
    assert (store.tiles, store.tile_px, store.label_name, len(store.bands)) == (2, 12, "osm", 13)
    assert open_tile_store(path, "s1", "dw").label_name == "dw"
    numbers = store.class_numbers()
    assert numbers[1] == 0
    assert numbers[13] == 12
    assert {int(numbers[code]) for code in (0, 14, 255)} == {255}


def test_what_is_no_such_store_is_refused(tile_store: StoreWriter, tmp_path: Path) -> None:
    path = tile_store(tmp_path / "a.zarr", tiles=1, px=8)
    with pytest.raises(UsageError, match="has no labels 'osm', but dw; set label"):
        open_tile_store(path, "s2", "osm")
    with pytest.raises(UsageError, match="not a downstream store"):
        open_tile_store(tmp_path / "nowhere.zarr", "s2", None)
    zarr.create_group(tmp_path / "bare.zarr")
    with pytest.raises(UsageError, match="none of the label arrays dw, osm, dfc"):
        open_tile_store(tmp_path / "bare.zarr", "s2", None)
    del zarr.open_group(path, mode="r+").attrs["content_digest"]
    with pytest.raises(UsageError, match="is not finished"):
        open_tile_store(path, "s2", None)


def test_bands_in_another_order_are_refused(tile_store: StoreWriter, tmp_path: Path) -> None:
    path = tile_store(tmp_path / "a.zarr", tiles=1, px=8)
    zarr.open_array(path / "s2", mode="r+").attrs["bands"] = ["B2", "B1"]
    with pytest.raises(UsageError, match="'s2' has the bands B2, B1, expected B1, B2"):
        open_tile_store(path, "s2", None)


def test_arrays_of_another_shape_or_kind_are_refused(tile_store: StoreWriter, tmp_path: Path) -> None:
    path = tile_store(tmp_path / "a.zarr", tiles=2, px=8)
    zarr.create_array(path / "dw", shape=(2, 4, 8, 8), dtype="uint8", overwrite=True)
    with pytest.raises(UsageError, match=r"array 'dw' is uint8 \(2, 4, 8, 8\), expected uint8 \(2, 8, 8\)"):
        open_tile_store(path, "s2", None)
