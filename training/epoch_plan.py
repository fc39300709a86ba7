"""What each batch of an epoch reads: a pure function of seed, epoch and rank."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.schema.errors import UsageError
from pipeline.schema.records import N_SEASONS

ORDER_STREAM, SEASON_STREAM = 1, 2
"""Tell the random numbers of order and seasons from others drawn of the same seed."""


@dataclass(frozen=True)
class Shuffle:
    """The whole policy of an epoch's order; what it gives is a pure function of its fields."""

    seed: int
    epoch: int
    rank: int = 0
    """This process, 0..world_size - 1."""
    world_size: int = 1
    """Processes that share an epoch; each location falls to exactly one of them."""

    def order(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """This rank's share of `rows`, shuffled; the ranks' shares differ in length by one at most."""
        order = np.random.default_rng([self.seed, ORDER_STREAM, self.epoch]).permutation(rows)
        return order[self.rank :: self.world_size]

    def seasons(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The season 0..3 of each row in this epoch, whatever the order, rank or batch."""
        stream = np.random.default_rng([self.seed, SEASON_STREAM, self.epoch])
        seasons: NDArray[np.int64] = stream.integers(0, N_SEASONS, size=int(rows.max(initial=-1)) + 1)
        return seasons[rows]


@dataclass(frozen=True)
class BatchPlan:
    """What one batch reads: a season of images and four label maps a row."""

    rows: NDArray[np.int64]
    seasons: NDArray[np.int64]


def plan_epoch(shuffle: Shuffle, rows: NDArray[np.int64], batch_size: int) -> list[BatchPlan]:
    """One random season of every row, in batches, as many on every rank.

    Processes that train together wait for each other at every step, so a share that is longer by one has a longer
    last batch and not a batch more. To go on in mid-epoch, read what follows of the list.
    Raises UsageError where there are fewer rows than processes.
    """
    shortest = len(rows) // shuffle.world_size
    if shuffle.world_size > 1 and not shortest:
        raise UsageError(f"{len(rows)} locations cannot be shared by {shuffle.world_size} processes; start fewer")
    order = shuffle.order(rows)
    seasons = shuffle.seasons(order)
    starts = _starts(shortest, batch_size)
    ends = [*starts[1:], len(order)]
    return [BatchPlan(order[a:b], seasons[a:b]) for a, b in zip(starts, ends, strict=bool(starts))]


def _starts(length: int, batch_size: int) -> list[int]:
    """Where the batches of a share begin; the last may be smaller.

    A last batch of one joins the batch before it: batch norm cannot train on a single value a channel, which is what
    an encoder leaves of one small crop.
    """
    starts = list(range(0, length, batch_size))
    alone = batch_size > 1 and len(starts) > 1 and length - starts[-1] == 1
    return starts[:-1] if alone else starts


def plan_all_seasons(rows: NDArray[np.int64], batch_size: int) -> list[BatchPlan]:
    """All four seasons of every row, each once, spread so that a batch mixes locations."""
    seasons = np.repeat(np.arange(N_SEASONS), len(rows))
    return in_batches(np.tile(rows, N_SEASONS), seasons, batch_size)


def in_batches(rows: NDArray[np.int64], seasons: NDArray[np.int64], batch_size: int) -> list[BatchPlan]:
    """Cut rows and their seasons into batches, in order."""
    starts = range(0, len(rows), batch_size)
    return [BatchPlan(rows[i : i + batch_size], seasons[i : i + batch_size]) for i in starts]
