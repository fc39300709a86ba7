"""Figures of the locations that runs held out: calibration, selection, and where labels and networks are wrong."""

from collections.abc import Iterator
from functools import partial

from training.analysis.exhibit import Exhibit, Missing
from training.analysis.figures.calibration import draw_calibration
from training.analysis.figures.noise import draw_noise_by_class, draw_noise_by_distance
from training.analysis.figures.selection_quality import draw_selection_over_epochs, draw_selection_over_ratio
from training.analysis.findings import Findings, RunSelection, held_out_findings, selection_at
from training.analysis.flat_rows import calibration_bins, error_rows
from training.analysis.run_data import RunData
from training.analysis.runs import PretrainRun
from training.analysis.selection_quality import RATIOS
from training.analysis.subject import Subject

NO_TRUTH = "the truth is not known: only stores that were built on the emulator's planet have it"


def held_out_exhibits(subject: Subject) -> Iterator[Exhibit | Missing]:
    """Calibration, selection and errors of every run whose store can be had."""
    pairs = [(run, data) for run, data in zip(subject.runs.pretraining, subject.data, strict=True) if data is not None]
    if not pairs:
        if subject.runs.pretraining:
            yield Missing("Calibration, selection and label noise", "no run's store can be had: name it with --store")
        return
    found = []
    for run, data in pairs:
        subject.tell(f"{run.name}: held-out locations")
        ratios = sorted({*RATIOS, run.settings.objective.final_ratio}, reverse=True)
        found.append(
            held_out_findings(run, data, subject.compute, ratios=ratios, patches=subject.settings.most_patches)
        )
    yield from _calibration(found)
    yield from _selection(found)
    yield from _selection_over_epochs(subject, pairs)
    yield from _noise(found)


def _calibration(found: list[Findings]) -> Iterator[Exhibit | Missing]:
    rows = [calibration for findings in found for calibration in findings.calibration]
    if not rows:
        yield Missing("Calibration", "no held-out pixel has a label")
        return
    yield Exhibit(
        name="calibration",
        title="Calibration of the networks",
        reads="On the dashed line a network that is 80 % sure is right 80 % of the time; below it the network is too "
        "sure of itself. The calibration error (ECE, 15 bins) is the mean gap to that line, each bin by its pixels.",
        rows=calibration_bins(rows),
        draw=partial(draw_calibration, rows),
    )


def _selection(found: list[Findings]) -> Iterator[Exhibit | Missing]:
    rows = [score for findings in found for score in findings.selection]
    if not rows:
        yield Missing("Precision and recall of the sample selection", NO_TRUTH)
        return
    yield Exhibit(
        name="selection-quality",
        title="Precision and recall of the sample selection",
        reads="From left to right ever fewer labels of each class are selected (weight 1). Precision above its dotted "
        "line, the share of all labels that is right, shows that the selection prefers right labels; wrong labels "
        "should fall faster than recall. Thresholds as in training, over a batch of held-out patches.",
        rows=rows,
        draw=partial(draw_selection_over_ratio, rows),
    )


def _selection_over_epochs(subject: Subject, pairs: list[tuple[PretrainRun, RunData]]) -> Iterator[Exhibit | Missing]:
    kept = [(run, data) for run, data in pairs if len(run.checkpoints) > 1 and data.truth is not None]
    if not kept:
        return
    rows: list[RunSelection] = []
    for run, data in kept:
        for checkpoint in run.checkpoints:
            subject.tell(f"{run.name}: selection, epoch {checkpoint.epoch}")
            rows += selection_at(run, checkpoint, data, subject.compute, patches=subject.settings.most_patches)
    yield Exhibit(
        name="selection-over-epochs",
        title="The sample selection as training goes on",
        reads="Each kept network selects at the ratio that its ramp had reached by then (of a run without selection: "
        "would have reached); recall falls with the ratio, and precision tells whether that was worth it.",
        rows=rows,
        draw=partial(draw_selection_over_epochs, rows),
    )


def _noise(found: list[Findings]) -> Iterator[Exhibit | Missing]:
    maps = [errors for findings in found for errors in findings.errors]
    if not maps:
        yield Missing("Label noise by class and by distance to a boundary", NO_TRUTH)
        return
    rows = error_rows(maps)
    yield Exhibit(
        name="noise-by-class",
        title="Label noise by class",
        reads="Bars are shares of wrong pixels: above of what truly is of a class, below of what is marked as it. A "
        "run's labels and networks are judged by the same pixels: those with a label at its held-out locations. A "
        "network below the labels has learnt to see through their noise.",
        rows=[row for row in rows if row.by != "distance"],
        draw=partial(draw_noise_by_class, maps),
    )
    yield Exhibit(
        name="noise-by-distance",
        title="Label noise by distance to a class boundary",
        reads="Shares of wrong pixels by the distance to the nearest pixel of another true class within the patch, "
        "10 m being next to it; noise that falls with the distance sits at boundaries. Below: where the pixels are.",
        rows=[row for row in rows if row.by == "distance"],
        draw=partial(draw_noise_by_distance, maps),
    )
