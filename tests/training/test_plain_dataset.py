"""A store as a map-style torch Dataset."""

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import zarr
from torch.utils.data import DataLoader

from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.paths import AnyPath
from pipeline.store_arrays import create_arrays
from pipeline.tile_arrays import create_tile_arrays
from training.plain_dataset import PatchDataset

PX = 16
FORKED = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # of Python 3.12


def fill(group: zarr.Group) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    drawn = {}
    for name, array in group.arrays():
        drawn[name] = rng.integers(0, 255, array.shape).astype(array.dtype)
        array.with_config({"write_empty_chunks": True})[:] = drawn[name]
    return drawn


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, np.ndarray]]:
    path = tmp_path_factory.mktemp("plain") / "nol.zarr"
    group = zarr.create_group(path)
    create_arrays(group, n_rows=3, patch_px=PX, shard_rows=2, codec="lz4", probabilities=True)
    return path, fill(group)


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, np.ndarray]]:
    path = tmp_path_factory.mktemp("plain") / "dw_train.zarr"
    group = zarr.create_group(path)
    create_tile_arrays(group, n_rows=3, size_px=PX, shard_rows=2, codec="zstd", labels=["dw"])
    return path, fill(group)


def test_every_item_is_a_season_of_a_row(store: tuple[Path, Any]) -> None:
    path, drawn = store
    patches = PatchDataset(str(path), ["s1", "s2", "dw", "dw_prob"])
    assert len(patches) == 12
    for item in range(12):
        read = patches[item]
        assert (read["row"], read["season"]) == divmod(item, 4)
        for name in ("s1", "s2", "dw", "dw_prob"):
            np.testing.assert_array_equal(read[name], drawn[name][item // 4, item % 4])
    with pytest.raises(IndexError):
        patches[12]


def test_a_downstream_store_has_an_item_a_row(tiles: tuple[Path, Any]) -> None:
    path, drawn = tiles
    patches = PatchDataset(path)
    assert len(patches) == 3
    for item in range(3):
        for name in ("s1", "s2", "dw"):
            np.testing.assert_array_equal(patches[item][name], drawn[name][item])
    assert [patches[0][name].dtype for name in ("s2", "s1", "dw")] == [torch.int32, torch.float32, torch.uint8]


def test_a_pickled_one_reads_alike(store: tuple[Path, Any], tiles: tuple[Path, Any]) -> None:
    for path, _ in (store, tiles):
        patches = PatchDataset(path)
        again = pickle.loads(pickle.dumps(patches))  # noqa: S301 - our own
        assert len(again) == len(patches)
        assert all(torch.equal(again[1][name], patches[1][name]) for name in ("s2", "s1", "dw"))


@FORKED
def test_forked_workers_read_uint8_from_a_disk(store: tuple[Path, Any]) -> None:
    path, drawn = store
    loader = DataLoader(PatchDataset(path), batch_size=5, num_workers=1, multiprocessing_context="fork")
    batches = list(loader)
    np.testing.assert_array_equal(torch.cat([b["s2"] for b in batches]), drawn["s2"].reshape(12, 13, PX, PX))
    assert torch.cat([b["season"] for b in batches]).tolist() == [0, 1, 2, 3] * 3


@FORKED
def test_forked_workers_say_what_they_cannot_read(tiles: tuple[Path, Any]) -> None:
    loader = DataLoader(PatchDataset(tiles[0]), num_workers=1, multiprocessing_context="fork")
    with pytest.raises(NoldoError, match="multiprocessing_context='spawn'"):
        next(iter(loader))


def test_what_is_not_there_is_refused(store: tuple[Path, Any]) -> None:
    with pytest.raises(UsageError, match="no array 'osm'"):
        PatchDataset(store[0], ["s2", "osm"])
    with pytest.raises(UsageError, match="no array 's2'"):
        PatchDataset(store[0].parent / "nothing.zarr")
    with pytest.raises(UsageError, match="name one array"):
        PatchDataset(store[0], [])


@pytest.mark.parametrize("name", ["s2", "dw"])
def test_a_shard_that_is_gone_is_no_fill_value(tiles: tuple[Path, Any], tmp_path: Path, name: str) -> None:
    path = Path(shutil.copytree(tiles[0], tmp_path / "dw_train.zarr"))
    for file in (path / name / "c" / "1").rglob("*"):
        if file.is_file():
            file.unlink()
    patches = PatchDataset(path)
    patches[1]
    with pytest.raises(NoldoError, match=f"array '{name}' cannot be read at row 2"):
        patches[2]


def test_object_storage_is_read_alike(tiles: tuple[Path, Any], bucket: Callable[[], AnyPath]) -> None:
    path, drawn = tiles
    remote = bucket()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        (remote / file.relative_to(path).as_posix()).write_bytes(file.read_bytes())
    read = PatchDataset(str(remote), ["s2", "dw"])[2]
    np.testing.assert_array_equal(read["s2"], drawn["s2"][2])
    np.testing.assert_array_equal(read["dw"], drawn["dw"][2])
