"""Batches out of a downstream store, read ahead outside Python's lock.

Tensors carry their dimensions: B samples, C bands, H rows, W columns.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import tensorstore as ts
import torch
from torch import Tensor

from pipeline.schema.errors import NoldoError
from training.store_files import FAILURES, reason
from training.transfer.tile_plan import TileBatchPlan
from training.transfer.tile_store import TileStore

AHEAD_BYTES: Final = 512 * 2**20
"""Host memory of the batches being read while one is trained on: two of 32 whole tiles of 13 bands."""

MOST_AHEAD: Final = 8
"""Batches being read, however small they are."""

_PLAIN: Final = {"float32": torch.float32, "uint16": torch.uint16}


@dataclass(frozen=True)
class TileBatch:
    """Parts of tiles as they are stored, in host memory."""

    plan: TileBatchPlan
    image: Tensor
    """(B, C, side, side): uint16 or float32, as the store has it."""
    label: Tensor
    """uint8 (B, side, side): the class's place in the legend, or 255 where there is no label."""


def read_tile_batches(store: TileStore, plans: Sequence[TileBatchPlan], *, pin: bool) -> Iterator[TileBatch]:
    """Yield the planned batches in order, reading ahead on tensorstore's threads.

    `pin`: put them into page-locked memory, for copies to a GPU that overlap its work.
    Raises NoldoError naming store, array and row where a tile is damaged or cannot be had.
    """
    numbers = torch.from_numpy(store.class_numbers())
    pending: deque[tuple[TileBatch, list[_Read]]] = deque()
    waiting = iter(plans)
    while True:
        while len(pending) <= _ahead(pending) and (plan := next(waiting, None)) is not None:
            pending.append(_start(store, plan, pin=pin))
        if not pending:
            return
        batch, reads = pending.popleft()
        for read in reads:
            read.finish(store)
        batch.label.copy_(numbers[batch.label.long()])
        yield batch


@dataclass(frozen=True)
class _Read:
    """A read on its way."""

    array: str
    row: int
    future: Any

    def finish(self, store: TileStore) -> None:
        try:
            self.future.result()
        except FAILURES as error:
            raise NoldoError(
                f"{store.path}: array '{self.array}' cannot be read at row {self.row} ({reason(error)})\n"
                "Restore the store's files, or build it again."
            ) from error


def _start(store: TileStore, plan: TileBatchPlan, *, pin: bool) -> tuple[TileBatch, list[_Read]]:
    side, count = plan.side_px, len(plan.rows)
    kind = _PLAIN[store.image.dtype.name]
    image_BCHW = torch.empty((count, len(store.bands), side, side), dtype=kind, pin_memory=pin)
    label_BHW = torch.empty((count, side, side), dtype=torch.uint8, pin_memory=pin)
    images, labels = image_BCHW.numpy(), label_BHW.numpy()
    reads = []
    corners = zip(plan.rows.tolist(), plan.top.tolist(), plan.left.tolist(), strict=True)
    for sample, (row, top, left) in enumerate(corners):
        part = np.s_[..., top : top + side, left : left + side]
        reads.append(_Read(store.modality, row, ts.array(images[sample]).write(store.image[row][part])))
        reads.append(_Read(store.label_name, row, ts.array(labels[sample]).write(store.label[row][part])))
    return TileBatch(plan, image_BCHW, label_BHW), reads


def _ahead(pending: Sequence[tuple[TileBatch, list[_Read]]]) -> int:
    """Batches to have under way beside the one that is waited for: as many as fit, at least one."""
    if not pending:
        return MOST_AHEAD
    largest = max(batch.image.nbytes + batch.label.nbytes for batch, _ in pending)
    return max(1, min(MOST_AHEAD, AHEAD_BYTES // max(largest, 1)))
