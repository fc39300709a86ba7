"""Batches out of the store: reads of what was planned that stay some batches ahead.

Tensors carry their dimensions: B samples, S seasons, C classes or bands, H rows, W columns.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import tensorstore as ts
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.landcover import IGNORE, N_DW_CLASSES
from pipeline.schema.records import N_SEASONS
from training.dataset import ALL_SEASONS, CONFIDENCE, LABELS, PROBABILITIES, TrainingStore
from training.epoch_plan import BatchPlan
from training.shards import ShardedArray
from training.store_files import FAILURES, folder_of, reason

AHEAD_BYTES: Final = 512 * 2**20
"""Host memory of the batches being read while one is trained on: three of 128 locations with 13 + 2 bands at 264 px."""

MOST_AHEAD: Final = 16
"""Batches being read, however small they are."""

DEFAULT_READERS: Final = 4
"""Threads that read: a modern GPU takes what three cores decode (benchmarks, `noldo bench loader`)."""

BUCKET_READERS: Final = 16
"""Threads that read from object storage, where they mostly wait."""

PIECE: Final = 8
"""Samples that a thread reads in one go; from object storage all of them are asked for at once."""


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
    probabilities: Tensor | None = None
    """uint8 (B, 9, P, P): 255 times the class probabilities of the images' season, all 0 where there is no label; None
    where they were not asked for."""
    confidence: Tensor | None = None
    """uint8 (B, 4, P, P): 255 times the confidence of each label; None where it was not asked for."""

    @property
    def arrays(self) -> dict[str, Tensor]:
        """What is read, by the name that the store has for it."""
        asked = {PROBABILITIES: self.probabilities, CONFIDENCE: self.confidence}
        return {"s1": self.s1, "s2": self.s2, LABELS: self.labels, **{k: v for k, v in asked.items() if v is not None}}


def read_batches(
    store: TrainingStore,
    plans: Sequence[BatchPlan],
    *,
    pin: bool,
    readers: int | None = None,
    probabilities: bool = False,
    confidence: bool = False,
) -> Iterator[Batch]:
    """Yield the planned batches in order, reading ahead on threads; to go on in mid-epoch, give the plans left.

    `pin`: put them into page-locked memory, for copies to a GPU that overlap its work. `readers`: threads that read
    and decode, by default one a core up to DEFAULT_READERS, or BUCKET_READERS for object storage. `probabilities`:
    read the season's class probabilities too, which the store must have. `confidence`: read the labels' confidences
    too, which its label source must have.
    Raises NoldoError naming store, array or shard, and rows, where a chunk is damaged or cannot be had, and UsageError
    where labels that are not the store's own have a value that is no class.
    """
    if probabilities and store.dw_prob is None:
        raise ValueError(f"{store.path} has no array '{PROBABILITIES}'")
    if confidence and store.labels.confidence is None:
        raise ValueError(f"{store.labels.folder} came without confidences")
    threads = readers or (min(DEFAULT_READERS, _cores()) if isinstance(store.path, Path) else BUCKET_READERS)
    with ThreadPoolExecutor(threads, thread_name_prefix="reader") as pool:
        pending: deque[tuple[Batch, Callable[[], None]]] = deque()
        waiting = iter(plans)
        try:
            while True:
                while len(pending) <= _ahead(pending) and (plan := next(waiting, None)) is not None:
                    pending.append(_start(store, plan, _room(store, plan, pin, probabilities, confidence), pool))
                if not pending:
                    return
                batch, finish = pending.popleft()
                finish()
                if store.labels.digest is not None:
                    _require_classes(store, batch)
                yield batch
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _require_classes(store: TrainingStore, batch: Batch) -> None:
    """Refuse labels other than 0..8 and 255: one more, in uint8, they are 1..9 and 0."""
    beyond = (batch.labels + 1).amax(dim=(1, 2, 3)) > N_DW_CLASSES
    if beyond.any():
        at = int(beyond.int().argmax())
        values = [value for value in np.unique(batch.labels[at].numpy()).tolist() if N_DW_CLASSES <= value < IGNORE]
        raise UsageError(
            f"{store.labels.folder}, row {int(batch.rows[at])}: labels of {', '.join(map(str, values[:5]))}; "
            f"classes are 0 to {N_DW_CLASSES - 1}, and {IGNORE} is no label; write the array with these"
        )


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


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _ahead(pending: Sequence[tuple[Batch, Callable[[], None]]]) -> int:
    """Batches to have under way beside the one that is waited for: as many as fit, at least one."""
    if not pending:
        return MOST_AHEAD
    largest = max(sum(tensor.nbytes for tensor in batch.arrays.values()) for batch, _ in pending)
    return max(1, min(MOST_AHEAD, AHEAD_BYTES // max(largest, 1)))


def _room(store: TrainingStore, plan: BatchPlan, pin: bool, probabilities: bool, confidence: bool) -> Batch:
    """A batch whose memory is there and still to be filled."""

    def room(layers: int) -> Tensor:
        return store.memory.take((len(plan.rows), layers, store.patch_px, store.patch_px), pin=pin)

    return Batch(
        rows=plan.rows,
        s1=room(store.s1.shape[2]),
        s2=room(store.s2.shape[2]),
        labels=room(N_SEASONS),
        season=torch.from_numpy(plan.seasons),
        probabilities=room(N_DW_CLASSES) if probabilities else None,
        confidence=room(N_SEASONS) if confidence else None,
    )


def _start(
    store: TrainingStore, plan: BatchPlan, batch: Batch, pool: ThreadPoolExecutor
) -> tuple[Batch, Callable[[], None]]:
    """Begin to fill a batch; the second result waits for its end."""
    if store.shards is not None:
        targets = {name: tensor.numpy() for name, tensor in batch.arrays.items()}
        pieces = read_pieces(store.shards, plan, targets, pool)
        return batch, lambda: _wait(pieces)
    sources = {
        "s1": store.s1,
        "s2": store.s2,
        LABELS: store.labels.array,
        CONFIDENCE: store.labels.confidence,
        PROBABILITIES: store.dw_prob,
    }
    reads = []
    for name, target in batch.arrays.items():
        view = sources[name].vindex[plan.rows] if name in ALL_SEASONS else sources[name].vindex[plan.rows, plan.seasons]
        reads.append(_Read(sources[name], view, target))

    def finish() -> None:
        for read in reads:
            _finish(read, batch.rows)

    return batch, finish


def read_pieces(
    shards: Mapping[str, ShardedArray],
    plan: BatchPlan,
    targets: Mapping[str, NDArray[np.uint8]],
    pool: ThreadPoolExecutor,
) -> list[Future[None]]:
    """Read the plan's rows of each array into its target, (B, ...), some samples a task."""
    rows, seasons = plan.rows.tolist(), plan.seasons.tolist()
    chunks = {name: [0] * len(rows) if name in ALL_SEASONS else seasons for name in targets}

    def read(part: slice) -> None:
        begun = [
            (shards[name].begin_rows(rows[part], chunks[name][part]), target[part]) for name, target in targets.items()
        ]
        for decode, target in begun:
            decode(target)

    return [pool.submit(read, slice(first, first + PIECE)) for first in range(0, len(rows), PIECE)]


def _wait(pieces: Sequence[Future[None]]) -> None:
    wait(pieces)  # woken once, not by every piece
    for piece in pieces:
        piece.result()


def _finish(read: _Read, rows: NDArray[np.int64]) -> None:
    try:
        read.future.result()
    except FAILURES as error:
        folder, _, name = folder_of(read.source.kvstore).rpartition("/")
        damaged = [row for row in np.unique(rows).tolist() if not _readable(read.source, row)]
        a_shard = read.source.chunk_layout.write_chunk.shape[0]
        shards = ", ".join(map(str, sorted({row // a_shard for row in damaged})[:8]))
        rows_shown = ", ".join(map(str, damaged[:8]))
        raise NoldoError(
            f"{folder}: array '{name}' cannot be read at rows {rows_shown} ({reason(error)})\n"
            f"Restore shard {shards} of the array, or build the store again."
        ) from error


def _readable(source: Any, row: int) -> bool:
    try:
        source[row].read().result()
    except FAILURES:
        return False
    return True
