"""Each location exactly once an epoch, on one rank, in as many batches as every rank has."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schema.errors import UsageError
from training.epoch_plan import Shuffle, plan_all_seasons, plan_epoch


@settings(max_examples=80, deadline=None)
@given(
    n=st.integers(0, 300), batch=st.integers(1, 40), world=st.integers(1, 5), seed=st.integers(0, 2**32 - 1),
    epoch=st.integers(0, 500),
)  # fmt: skip
def test_the_ranks_together_take_every_location_once_in_as_many_batches(
    n: int, batch: int, world: int, seed: int, epoch: int
) -> None:
    rows = np.arange(0, 3 * n, 3)
    if world > 1 and n < world:
        with pytest.raises(UsageError, match=f"{n} locations cannot be shared by {world}"):
            plan_epoch(Shuffle(seed, epoch, 0, world), rows, batch)
        return
    shares = [plan_epoch(Shuffle(seed, epoch, rank, world), rows, batch) for rank in range(world)]
    for plan in (plan for share in shares for plan in share):
        assert 1 <= len(plan.rows) <= batch + (1 if world == 1 else 2)
        assert len(plan.rows) == len(plan.seasons)
        assert set(plan.seasons.tolist()) <= {0, 1, 2, 3}
        assert len(plan.rows) > 1 or batch == 1 or n < 2 * world  # nobody trains on one where two can be had
    assert len({len(share) for share in shares}) == 1
    assert sorted(row for share in shares for plan in share for row in plan.rows.tolist()) == rows.tolist()


@pytest.mark.parametrize(
    ("rows", "batch_size", "sizes"),
    [(9, 4, [4, 5]), (5, 4, [5]), (10, 4, [4, 4, 2]), (1, 4, [1]), (3, 1, [1, 1, 1]), (0, 4, [])],
)
def test_a_last_batch_of_one_joins_the_one_before(rows: int, batch_size: int, sizes: list[int]) -> None:
    plans = plan_epoch(Shuffle(3, 1), np.arange(rows), batch_size)
    assert [len(plan.rows) for plan in plans] == [len(plan.seasons) for plan in plans] == sizes
    assert sorted(row for plan in plans for row in plan.rows.tolist()) == list(range(rows))


@pytest.mark.parametrize(
    ("rows", "batch_size", "sizes"),
    [
        (9, 3, [[5], [4]]),  # two batches of the longer share would leave the shorter one a batch of one
        (7, 2, [[4], [3]]),
        (13, 4, [[4, 3], [4, 2]]),
        (5, 1, [[1, 2], [1, 1]]),
        (9, 4, [[5], [4]]),
    ],
)
def test_a_longer_share_has_a_longer_last_batch(rows: int, batch_size: int, sizes: list[list[int]]) -> None:
    shares = [plan_epoch(Shuffle(0, 0, rank, 2), np.arange(rows), batch_size) for rank in range(2)]
    assert [[len(plan.rows) for plan in share] for share in shares] == sizes


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
