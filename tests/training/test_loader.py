"""Each location exactly once an epoch, its own pixels, and a clear word where a byte is wrong."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schema.errors import NoldoError
from training.dataset import TrainingStore, open_store
from training.loader import (
    Shuffle,
    in_batches,
    plan_all_seasons,
    plan_epoch,
    read_all_seasons,
    read_batches,
    read_labels,
)


@settings(max_examples=50, deadline=None)
@given(
    n=st.integers(1, 300), batch=st.integers(1, 40), world=st.integers(1, 5), seed=st.integers(0, 2**32 - 1),
    epoch=st.integers(0, 500),
)  # fmt: skip
def test_the_ranks_together_take_every_location_once(n: int, batch: int, world: int, seed: int, epoch: int) -> None:
    rows = np.arange(0, 3 * n, 3)
    taken = []
    for rank in range(world):
        for plan in plan_epoch(Shuffle(seed, epoch, rank, world), rows, batch):
            assert 1 <= len(plan.rows) <= batch + 1
            assert len(plan.rows) == len(plan.seasons)
            assert set(plan.seasons.tolist()) <= {0, 1, 2, 3}
            taken += plan.rows.tolist()
    assert sorted(taken) == rows.tolist()


@pytest.mark.parametrize(
    ("rows", "batch_size", "sizes"),
    [(9, 4, [4, 5]), (5, 4, [5]), (10, 4, [4, 4, 2]), (1, 4, [1]), (3, 1, [1, 1, 1]), (0, 4, [])],
)
def test_a_last_batch_of_one_joins_the_one_before(rows: int, batch_size: int, sizes: list[int]) -> None:
    plans = plan_epoch(Shuffle(3, 1), np.arange(rows), batch_size)
    assert [len(plan.rows) for plan in plans] == [len(plan.seasons) for plan in plans] == sizes
    assert sorted(row for plan in plans for row in plan.rows.tolist()) == list(range(rows))


def test_epochs_differ_in_order_and_seasons_and_repeat_exactly() -> None:
    rows = np.arange(200)
    first, again, other = Shuffle(1, 0), Shuffle(1, 0), Shuffle(1, 1)
    assert first.order(rows).tolist() == again.order(rows).tolist() != other.order(rows).tolist()
    assert first.seasons(rows).tolist() == again.seasons(rows).tolist() != other.seasons(rows).tolist()


def test_a_locations_season_depends_on_neither_rank_nor_batch() -> None:
    rows = np.arange(40)
    alone = Shuffle(7, 3).seasons(rows)
    for rank in range(3):
        for plan in plan_epoch(Shuffle(7, 3, rank, 3), rows, 4):
            assert plan.seasons.tolist() == alone[plan.rows].tolist()


def test_over_the_epochs_all_seasons_come_up_about_as_often() -> None:
    counts = np.bincount(np.concatenate([Shuffle(0, e).seasons(np.arange(100)) for e in range(40)]))
    assert counts.min() > 900


def test_all_seasons_of_all_rows_are_planned_once() -> None:
    plans = plan_all_seasons(np.array([5, 2, 9]), 5)
    pairs = [(r, s) for plan in plans for r, s in zip(plan.rows.tolist(), plan.seasons.tolist(), strict=True)]
    assert sorted(pairs) == sorted((r, s) for r in (5, 2, 9) for s in range(4))


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
