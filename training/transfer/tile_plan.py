"""What the batches of an epoch read, and how each sample lies in its tile: a pure function of seed and epoch."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from training.augment import Augmentation, Placement, centre, draw
from training.epoch_plan import Shuffle, plan_epoch
from training.under_way import AUGMENT_STREAM


@dataclass(frozen=True)
class TileBatchPlan:
    """What one batch reads: a square part of each tile, all of one side."""

    rows: NDArray[np.int64]
    top: NDArray[np.int64]
    """First row of each part in its tile."""
    left: NDArray[np.int64]
    """First column of each part in its tile."""
    side_px: int
    """Side of the parts."""
    placement: Placement
    """Where each sample's crop lies in its part, and how it is turned."""


def plan_tile_epoch(
    rows: NDArray[np.int64], *, tile_px: int, batch_size: int, augmentation: Augmentation, seed: int, epoch: int
) -> list[TileBatchPlan]:
    """Every row once, shuffled and augmented, in batches.

    A single tile is taken twice: batch norm over pooled features needs two samples. Of each tile only what its crop
    can show is read: the crop itself, or what it sweeps when it is turned.
    """
    state = np.random.SeedSequence([seed, AUGMENT_STREAM, epoch]).generate_state(1)
    generator = torch.Generator().manual_seed(int(state[0]))
    rows = np.repeat(rows, 2) if len(rows) == 1 else rows
    plans = plan_epoch(Shuffle(seed, epoch), rows, batch_size)
    return [_placed(plan.rows, draw(augmentation, len(plan.rows), tile_px, generator), tile_px) for plan in plans]


def plan_tile_test(rows: NDArray[np.int64], *, tile_px: int, batch_size: int) -> list[TileBatchPlan]:
    """Whole tiles in order, in batches, not augmented."""
    batches = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
    return [_placed(batch, centre(len(batch), tile_px, tile_px), tile_px) for batch in batches]


def _placed(rows: NDArray[np.int64], placement: Placement, tile_px: int) -> TileBatchPlan:
    """Read no more than a crop that turns about its centre can sweep, mirrored pixels beyond the tile included."""
    crop = placement.crop_px
    turned = bool(placement.angle.any())
    side = min(tile_px, math.ceil(crop * math.sqrt(2)) + 3) if turned else crop
    top, left = (
        np.clip(corner.numpy() - (side - crop) // 2, 0, tile_px - side) for corner in (placement.top, placement.left)
    )
    moved = replace(placement, top=placement.top - torch.from_numpy(top), left=placement.left - torch.from_numpy(left))
    return TileBatchPlan(rows, top, left, side, moved)
