"""How the selection masks of the same patches change while a run trains."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.analysis.masks import MaskedPatch, masked_patches
from training.analysis.run_data import RunData
from training.analysis.runs import Checkpoint, PretrainRun, load_network
from training.compute import Compute
from training.ramp import ramp, selection_ratio


@dataclass(frozen=True)
class EpochMasks:
    """The masks that one of a run's networks makes."""

    epoch: int
    """Epochs that the network has behind it; 0: untrained."""
    ratio: float
    """a of eq. 11 at that epoch: the share of each class's pixels that is selected."""
    patches: tuple[MaskedPatch, ...]
    """The same patches, in the same order, at every epoch."""


def mask_history(
    run: PretrainRun, data: RunData, compute: Compute, *, count: int, checkpoints: Sequence[Checkpoint] | None = None
) -> list[EpochMasks]:
    """Return the masks of `count` held-out patches at the ratio that the run's ramp had reached by each checkpoint.

    `checkpoints`: of the run; None: all that it kept, which are more than the last where its settings had keep_every.
    Errors of load_network and read_batches.
    """
    objective = run.settings.objective
    found = []
    for checkpoint in run.checkpoints if checkpoints is None else checkpoints:
        reached = ramp(checkpoint.epoch, ramp_epochs=objective.ramp_epochs, shape=objective.ramp)
        network = load_network(run, checkpoint, compute)
        patches = masked_patches(network, data, run.settings, compute, count=count, reached=reached)
        ratio = selection_ratio(reached, final_ratio=objective.final_ratio)
        found.append(EpochMasks(checkpoint.epoch, ratio, tuple(patches)))
    return found
