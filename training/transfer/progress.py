"""Where a transfer run stands."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class TransferProgress:
    """Where a run stands after a step of training, or a tile of the test."""

    seed: int
    """The seed under way."""
    repeat: int
    """Which of the seeds it is, from 1."""
    repeats: int
    stage: Literal["train", "test"]
    epoch: int
    """The epoch under way, from 1; the last one while the test runs."""
    epochs: int
    done: int
    """Steps done in this epoch, or batches of test tiles."""
    total: int
    """Steps in an epoch, or batches of test tiles."""
    loss: float | None
    """Mean over the last epoch that ended; None in a seed's first epoch."""
    steps_done: int
    """Steps and test batches done in the whole run, finished seeds included."""
    steps_total: int
    """Steps and test batches of the whole run."""
