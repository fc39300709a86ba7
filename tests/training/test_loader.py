"""A batch holds its own pixels, in the order planned, and there is a clear word where a byte is wrong."""

import re
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec

from pipeline.schema.errors import NoldoError
from training import loader
from training.dataset import TrainingStore, open_store
from training.epoch_plan import Shuffle, in_batches, plan_all_seasons, plan_epoch
from training.loader import read_all_seasons, read_batches, read_labels


def with_probabilities(store: Path, folder: Path) -> Path:
    """A copy of a store with the class probabilities that its labels are the likeliest of."""
    path = folder / "nol.zarr"
    shutil.copytree(store, path)
    dw = np.asarray(zarr.open_array(path / "dw", mode="r")[:])
    drawn = np.random.default_rng(5).integers(0, 17, size=(*dw.shape[:2], 9, *dw.shape[2:]))
    classes = np.arange(9)[:, None, None]
    values = np.where(dw[:, :, None] == classes, 128, drawn) * (dw[:, :, None] != 255)
    array = zarr.open_group(path).create_array(
        "dw_prob", shape=values.shape, chunks=(1, 1, *values.shape[2:]), shards=(4, *values.shape[1:]), dtype="uint8",
        filters=None, compressors=[BloscCodec(cname="lz4", shuffle="noshuffle"), Crc32cCodec()],
    )  # fmt: skip
    array[:] = values.astype(np.uint8)
    return path


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_a_batch_holds_the_pixels_of_its_rows_and_seasons(small: tuple[Path, Path], batch_size: int) -> None:
    s1, s2, dw = (np.asarray(zarr.open_array(small[0] / name, mode="r")[:]) for name in ("s1", "s2", "dw"))
    plans = plan_epoch(Shuffle(0, 0), np.arange(8), batch_size)
    batches = list(read_batches(open_store(small[0]), plans, pin=False))
    assert [b.rows.tolist() for b in batches] == [p.rows.tolist() for p in plans]
    for plan, batch in zip(plans, batches, strict=True):
        assert np.array_equal(batch.s1, s1[plan.rows, plan.seasons])
        assert np.array_equal(batch.s2, s2[plan.rows, plan.seasons])
        assert np.array_equal(batch.labels, dw[plan.rows])
        assert batch.season.tolist() == plan.seasons.tolist()


def test_label_maps_are_read_by_row_and_season(small: tuple[Path, Path]) -> None:
    dw = np.asarray(zarr.open_array(small[0] / "dw", mode="r")[:])
    store = open_store(small[0])
    (plan,) = in_batches(np.array([6, 1]), np.array([3, 0]), 2)
    assert np.array_equal(read_labels(store.dw, plan), dw[[6, 1], [3, 0]])
    assert np.array_equal(read_all_seasons(store.dw, np.array([6, 1])), dw[[6, 1]])


def by_tensorstore(path: Path) -> TrainingStore:
    """The store without the reader of this project's own shards."""
    return replace(open_store(path), shards=None)


@pytest.mark.parametrize("opened", [open_store, by_tensorstore])
@pytest.mark.parametrize("name", ["s1", "s2", "dw"])
def test_a_flipped_byte_is_found_and_its_array_and_rows_are_named(
    small: tuple[Path, Path], tmp_path: Path, name: str, opened: Callable[[Path], TrainingStore]
) -> None:
    damaged = tmp_path / "nol.zarr"
    shutil.copytree(small[0], damaged)
    shard = next(p for p in sorted((damaged / name / "c" / "1").rglob("*")) if p.is_file())
    content = bytearray(shard.read_bytes())
    content[100] ^= 0x10
    shard.write_bytes(content)
    with pytest.raises(NoldoError) as found:
        list(read_batches(opened(damaged), plan_all_seasons(np.arange(8), 8), pin=False))
    row = 4  # the first chunk of the second shard
    assert re.search(f"{damaged}: array '{name}' cannot be read at rows? {row} \\(", str(found.value))
    assert len(str(found.value).splitlines()) == 2
    assert re.search(r"Restore (shard 1 of the array|.*/c/1/0)", str(found.value))


@pytest.mark.parametrize("opened", [open_store, by_tensorstore])
def test_a_shard_that_is_gone_is_damage_and_not_empty(
    small: tuple[Path, Path], tmp_path: Path, opened: Callable[[Path], TrainingStore]
) -> None:
    damaged = tmp_path / "nol.zarr"
    shutil.copytree(small[0], damaged)
    shutil.rmtree(damaged / "s2" / "c" / "1")
    with pytest.raises(NoldoError, match=r"array 's2' cannot be read at rows? [4-7]"):
        list(read_batches(opened(damaged), plan_epoch(Shuffle(0, 0), np.arange(8), 8), pin=False))


@pytest.mark.parametrize("readers", [1, 3])
def test_both_readers_give_the_same_batches_in_the_same_order(small: tuple[Path, Path], readers: int) -> None:
    plans = plan_epoch(Shuffle(4, 2), np.arange(8), 3)
    store = open_store(small[0])
    assert store.shards is not None
    mine = list(read_batches(store, plans, pin=False, readers=readers))
    theirs = list(read_batches(by_tensorstore(small[0]), plans, pin=False))
    assert len(mine) == len(theirs) == 3
    for one, other in zip(mine, theirs, strict=True):
        for name in ("s1", "s2", "labels", "season"):
            assert torch.equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("ours", [True, False])
def test_probabilities_are_read_of_the_images_season_where_asked(
    small: tuple[Path, Path], tmp_path: Path, ours: bool
) -> None:
    path = with_probabilities(small[0], tmp_path)
    stored = np.asarray(zarr.open_array(path / "dw_prob", mode="r")[:])
    store = open_store(path) if ours else by_tensorstore(path)
    assert (store.shards is not None) == ours
    plans = plan_epoch(Shuffle(2, 0), np.arange(8), 3)
    for plan, batch in zip(plans, read_batches(store, plans, pin=False, probabilities=True), strict=True):
        assert np.array_equal(batch.probabilities, stored[plan.rows, plan.seasons])
    assert all(batch.probabilities is None for batch in read_batches(store, plans, pin=False))


def test_probabilities_that_a_store_has_not_cannot_be_asked_for(small: tuple[Path, Path]) -> None:
    store = open_store(small[0])
    assert store.dw_prob is None
    with pytest.raises(ValueError, match="no array 'dw_prob'"):
        next(read_batches(store, plan_epoch(Shuffle(0, 0), np.arange(8), 4), pin=False, probabilities=True))


@pytest.mark.parametrize("done", [0, 1, 3, 4])
def test_an_epoch_goes_on_where_it_was_left(small: tuple[Path, Path], done: int) -> None:
    store = open_store(small[0])
    plans = plan_epoch(Shuffle(3, 5), np.arange(8), 2)
    whole = list(read_batches(store, plans, pin=False))[done:]
    rest = list(read_batches(store, plans[done:], pin=False))
    assert [batch.rows.tolist() for batch in rest] == [batch.rows.tolist() for batch in whole]
    for one, other in zip(whole, rest, strict=True):
        assert torch.equal(one.s2, other.s2)
        assert torch.equal(one.labels, other.labels)


@pytest.mark.parametrize(("batches", "ahead"), [(0.5, 1), (1.0, 1), (3.5, 3), (10**6, 16)])
def test_reading_ahead_is_bounded_in_bytes(
    small: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, batches: float, ahead: int
) -> None:
    store = open_store(small[0])
    plans = in_batches(np.tile(np.arange(8), 8), np.zeros(64, np.int64), 2)
    of_a_batch = 2 * (2 + 13 + 4) * 72 * 72
    monkeypatch.setattr(loader, "AHEAD_BYTES", int(batches * of_a_batch))
    begun = 0
    start = loader._start

    def counted(*arguments: object) -> object:
        nonlocal begun
        begun += 1
        return start(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(loader, "_start", counted)
    reading = read_batches(store, plans, pin=False)
    for taken in range(1, 5):
        next(reading)
        assert begun == taken + ahead
    reading.close()


def test_batches_that_are_kept_keep_their_pixels(small: tuple[Path, Path]) -> None:
    s2 = np.asarray(zarr.open_array(small[0] / "s2", mode="r")[:])
    plans = in_batches(np.tile(np.arange(8), 6), np.repeat(np.arange(4), 12), 4)
    kept = [batch.s2 for batch in read_batches(open_store(small[0]), plans, pin=False)]
    for plan, s2_BCHW in zip(plans, kept, strict=True):
        assert np.array_equal(s2_BCHW, s2[plan.rows, plan.seasons])


def test_readers_end_when_nobody_wants_more(small: tuple[Path, Path]) -> None:
    before = threading.active_count()
    reading = read_batches(open_store(small[0]), plan_all_seasons(np.arange(8), 2), pin=False)
    next(reading)
    assert threading.active_count() > before
    reading.close()
    assert threading.active_count() == before
