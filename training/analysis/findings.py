"""What one look at the locations that a run held out tells: calibration, selection, and errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from pipeline.schema.landcover import IGNORE
from training.analysis.calibration import Reliability, ReliabilityBin
from training.analysis.held_out import Seen, held_out_plans, see
from training.analysis.noise import ErrorCounts, ErrorRate
from training.analysis.run_data import RunData
from training.analysis.runs import Checkpoint, PretrainRun, load_network
from training.analysis.selection_quality import SelectionCounts, SelectionScore
from training.compute import Compute
from training.modality import Modality
from training.ramp import ramp, selection_ratio

Against = Literal["labels", "truth"]


@dataclass(frozen=True)
class RunCalibration:
    """How well one network's confidence fits, in one modality."""

    run: str
    modality: Modality
    against: Against
    pixels: int
    ece: float
    """Expected calibration error, 0..1."""
    bins: tuple[ReliabilityBin, ...]


@dataclass(frozen=True)
class RunSelection(SelectionScore):
    """What a network selects at one ratio."""

    run: str
    epoch: int
    """Epochs that the network has behind it."""


@dataclass(frozen=True)
class MapErrors:
    """How often the labels, or a network, are wrong, among the same pixels: those that have a label and a truth."""

    name: str
    rates: tuple[ErrorRate, ...]


@dataclass(frozen=True)
class Findings:
    """Of one network; selection and errors are empty where the truth is not known."""

    calibration: tuple[RunCalibration, ...]
    selection: tuple[RunSelection, ...]
    errors: tuple[MapErrors, ...]


def held_out_findings(
    run: PretrainRun, data: RunData, compute: Compute, *, ratios: Sequence[float], patches: int
) -> Findings:
    """Look at the held-out locations with a run's newest network, at `patches` patches at most."""
    network = load_network(run, run.last, compute)
    reliability: dict[tuple[Modality, Against], Reliability] = {}
    errors: dict[str, ErrorCounts] = {}
    labels = f"labels ({data.store.labels.name})"
    selection = SelectionCounts(ratios)
    for seen in see(network, data, held_out_plans(data, run.settings, patches), run.settings, compute):
        selection.add(seen)
        for modality, log_p_BCHW in seen.log_p.items():
            reliability.setdefault((modality, "labels"), Reliability()).add(log_p_BCHW, seen.label)
            if seen.truth is not None:
                reliability.setdefault((modality, "truth"), Reliability()).add(log_p_BCHW, seen.truth)
        if seen.truth is not None:
            _count_errors(errors, seen, seen.truth, labels)
    return Findings(
        calibration=tuple(
            RunCalibration(run.name, modality, against, counted.pixels, counted.ece(), tuple(counted.bins()))
            for (modality, against), counted in reliability.items()
            if counted.pixels
        ),
        selection=run_selection(run, run.last, selection),
        errors=tuple(MapErrors(f"{run.name}, {name}", tuple(counts.rates())) for name, counts in errors.items()),
    )


def _count_errors(errors: dict[str, ErrorCounts], seen: Seen, truth_BHW: Tensor, labels: str) -> None:
    """Count a batch of the labels, and of each modality's map where there is a label, so that all are of one ground."""
    maps = {labels: seen.label}
    for modality, log_p_BCHW in seen.log_p.items():
        maps[modality.upper()] = log_p_BCHW.argmax(1).byte().masked_fill(seen.label == IGNORE, IGNORE)
    for name, marked_BHW in maps.items():
        for marked_HW, truth_HW in zip(marked_BHW.cpu().numpy(), truth_BHW.cpu().numpy(), strict=True):
            errors.setdefault(name, ErrorCounts()).add(marked_HW, truth_HW)


def selection_at(
    run: PretrainRun, checkpoint: Checkpoint, data: RunData, compute: Compute, *, patches: int
) -> tuple[RunSelection, ...]:
    """Score the selection with one of a run's networks, at the ratio that its ramp had reached by then."""
    objective = run.settings.objective
    reached = ramp(checkpoint.epoch, ramp_epochs=objective.ramp_epochs, shape=objective.ramp)
    selection = SelectionCounts([selection_ratio(reached, final_ratio=objective.final_ratio)])
    network = load_network(run, checkpoint, compute)
    for seen in see(network, data, held_out_plans(data, run.settings, patches), run.settings, compute):
        selection.add(seen)
    return run_selection(run, checkpoint, selection)


def run_selection(run: PretrainRun, checkpoint: Checkpoint, counts: SelectionCounts) -> tuple[RunSelection, ...]:
    """The scores of a selection as a run's."""
    return tuple(RunSelection(**vars(score), run=run.name, epoch=checkpoint.epoch) for score in counts.scores())
