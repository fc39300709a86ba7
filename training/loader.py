"""Batches out of the store: a pure plan of what to read, then reads that stay some batches ahead.

Tensors carry their dimensions: B samples, S seasons, C bands, H rows, W columns.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorstore as ts
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.schema.errors import NoldoError
from pipeline.schema.records import N_SEASONS
from training.dataset import TrainingStore
from training.shards import ShardedArray

AHEAD = 2
"""Batches being read while one is trained on."""

DEFAULT_READERS = 4
"""Threads that read: a modern GPU takes what three cores decode (benchmarks, `noldo bench loader`)."""

PIECE = 8
"""Samples that a thread reads in one go."""

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


@dataclass(frozen=True)
class Batch:
    """Samples as they are stored, in host memory."""

    rows: NDArray[np.int64]
    s1: Tensor
    """uint8 (B, 2, P, P)."""
    s2: Tensor
    """uint8 (B, 13, P, P)."""
    labels: Tensor
    """uint8 (B, 4, P, P): class 0..8, or 255 where there is no label."""
    season: Tensor
    """int64 (B,): which of the four seasons the images are of."""


def plan_epoch(shuffle: Shuffle, rows: NDArray[np.int64], batch_size: int) -> list[BatchPlan]:
    """One random season of every row, in batches; the last may be smaller.

    A last batch of one joins the batch before it: batch norm cannot train on a single value a channel, which is what
    an encoder leaves of one small crop.
    """
    order = shuffle.order(rows)
    seasons = shuffle.seasons(order)
    plans = in_batches(order, seasons, batch_size)
    if batch_size > 1 and len(plans) > 1 and len(plans[-1].rows) == 1:
        start = (len(plans) - 2) * batch_size
        plans[-2:] = [BatchPlan(order[start:], seasons[start:])]
    return plans


def plan_all_seasons(rows: NDArray[np.int64], batch_size: int) -> list[BatchPlan]:
    """All four seasons of every row, each once, spread so that a batch mixes locations."""
    seasons = np.repeat(np.arange(N_SEASONS), len(rows))
    return in_batches(np.tile(rows, N_SEASONS), seasons, batch_size)


def in_batches(rows: NDArray[np.int64], seasons: NDArray[np.int64], batch_size: int) -> list[BatchPlan]:
    """Cut rows and their seasons into batches, in order."""
    starts = range(0, len(rows), batch_size)
    return [BatchPlan(rows[i : i + batch_size], seasons[i : i + batch_size]) for i in starts]


def read_batches(
    store: TrainingStore, plans: Sequence[BatchPlan], *, pin: bool, readers: int | None = None
) -> Iterator[Batch]:
    """Yield the planned batches in order, reading ahead on threads.

    `pin`: put them into page-locked memory, for copies to a GPU that overlap its work. `readers`: threads that read
    and decode, by default DEFAULT_READERS or one a core where there are fewer.
    Raises NoldoError naming store, file or array, and rows, where a chunk is damaged.
    """
    threads = readers or min(DEFAULT_READERS, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads, thread_name_prefix="reader") as pool:
        pending: deque[tuple[Batch, Callable[[], None]]] = deque()
        waiting = iter(plans)
        try:
            while True:
                while len(pending) <= AHEAD and (plan := next(waiting, None)) is not None:
                    pending.append(_start(store, plan, pin, pool))
                if not pending:
                    return
                batch, finish = pending.popleft()
                finish()
                yield batch
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def read_labels(source: Any, plan: BatchPlan) -> Tensor:
    """One season of an (N, 4, P, P) array for each row of the plan: uint8 (B, P, P); errors as read_batches."""
    label_BHW = torch.empty((len(plan.rows), *source.shape[2:]), dtype=torch.uint8)
    _finish(_Read(source, source.vindex[plan.rows, plan.seasons], label_BHW), plan.rows)
    return label_BHW


def read_all_seasons(source: Any, rows: NDArray[np.int64]) -> Tensor:
    """All seasons of an (N, 4, P, P) array for each of the rows: uint8 (B, 4, P, P); errors as read_batches."""
    label_BSHW = torch.empty((len(rows), *source.shape[1:]), dtype=torch.uint8)
    _finish(_Read(source, source.vindex[rows], label_BSHW), rows)
    return label_BSHW


class _Read:
    """A read on its way: decodes `view` of `source` into the memory of `target`."""

    def __init__(self, source: Any, view: Any, target: Tensor) -> None:
        self.source = source
        self.future = ts.array(target.numpy()).write(view)


def _start(
    store: TrainingStore, plan: BatchPlan, pin: bool, pool: ThreadPoolExecutor
) -> tuple[Batch, Callable[[], None]]:
    """Begin to read a batch; the second result waits for its end."""
    px = store.patch_px

    def room(*shape: int) -> Tensor:
        return torch.empty((len(plan.rows), *shape, px, px), dtype=torch.uint8, pin_memory=pin)

    batch = Batch(
        rows=plan.rows,
        s1=room(store.s1.shape[2]),
        s2=room(store.s2.shape[2]),
        labels=room(N_SEASONS),
        season=torch.from_numpy(plan.seasons),
    )
    if store.shards is not None:
        pieces = read_pieces(store.shards, plan, (batch.s1.numpy(), batch.s2.numpy(), batch.labels.numpy()), pool)
        return batch, lambda: _wait(pieces)
    reads = (
        _Read(store.s1, store.s1.vindex[plan.rows, plan.seasons], batch.s1),
        _Read(store.s2, store.s2.vindex[plan.rows, plan.seasons], batch.s2),
        _Read(store.dw, store.dw.vindex[plan.rows], batch.labels),
    )

    def finish() -> None:
        for read in reads:
            _finish(read, batch.rows)

    return batch, finish


def read_pieces(
    shards: tuple[ShardedArray, ShardedArray, ShardedArray],
    plan: BatchPlan,
    targets: tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]],
    pool: ThreadPoolExecutor,
) -> list[Future[None]]:
    """Read s1, s2 and labels of a plan into `targets`, (B, ...) each, some samples a task."""
    wanted = list(zip(plan.rows.tolist(), plan.seasons.tolist(), strict=True))
    (s1, s2, dw), (to_s1, to_s2, to_dw) = shards, targets

    def read(first: int) -> None:
        for at in range(first, min(first + PIECE, len(wanted))):
            row, season = wanted[at]
            s1.read_into(row, season, to_s1[at])
            s2.read_into(row, season, to_s2[at])
            dw.read_into(row, 0, to_dw[at])

    return [pool.submit(read, first) for first in range(0, len(wanted), PIECE)]


def _wait(pieces: Sequence[Future[None]]) -> None:
    for piece in pieces:
        piece.result()


def _finish(read: _Read, rows: NDArray[np.int64]) -> None:
    try:
        read.future.result()
    except (ValueError, RuntimeError, OSError) as error:
        array = Path(read.source.kvstore.path)
        damaged = [row for row in np.unique(rows).tolist() if not _readable(read.source, row)]
        cause = str(error).splitlines()[0].split(" [tensorstore_spec")[0]
        rows_shown = ", ".join(map(str, damaged[:8]))
        raise NoldoError(
            f"{array.parent}: array '{array.name}' cannot be read at rows {rows_shown} ({cause})\n"
            "Restore the file named there, or build the store again."
        ) from error


def _readable(source: Any, row: int) -> bool:
    try:
        source[row].read().result()
    except (ValueError, RuntimeError, OSError):
        return False
    return True
