"""The batches of `noldo bench step`, of a made-up store."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.loader_store import write_store
from training.compute import Compute
from training.dataset import TrainingStore, open_store
from training.epoch_plan import BatchPlan, Shuffle, plan_epoch
from training.loader import Batch, read_batches
from training.settings import PretrainSettings

MARGIN_PX: Final = 8
"""What a stored patch has over the crop: 264 over 256."""

BATCHES: Final = 4
"""In the store; an epoch of the benchmark."""


def made_up_store(folder: Path, settings: PretrainSettings) -> TrainingStore:
    """A store of BATCHES batches under the folder."""
    path = write_store(folder, BATCHES * settings.batch_size, settings.crop_px + MARGIN_PX)
    return open_store(path)


def plans(store: TrainingStore, settings: PretrainSettings, steps: int) -> Sequence[BatchPlan]:
    """Plans of so many full batches, epoch after epoch."""
    rows = np.arange(store.locations)
    epochs = range(-(-steps // BATCHES))
    return [plan for e in epochs for plan in plan_epoch(Shuffle(settings.seed, e), rows, settings.batch_size)][:steps]


def first_batch(store: TrainingStore, settings: PretrainSettings, compute: Compute) -> Batch:
    """The first batch of the first epoch, in memory."""
    (batch,) = read_batches(store, plans(store, settings, 1), pin=compute.pinned)
    return batch
