"""Tables of figures, as the template walks through them."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline.funnel import funnel
from pipeline.report.gather import RunRecord
from pipeline.report.label_counts import LabelCounts
from pipeline.report.training_log import TrainingResult
from pipeline.schema.landcover import DW_CLASSES, LandCoverClass

SCORED: Final = (
    ("network_s2", "Network, Sentinel\u20112"),
    ("network_s1", "Network, Sentinel\u20111"),
    ("dw_label", "Dynamic World labels"),
    ("majority_class", "Majority class everywhere"),
)
"""Score sets of result.json in the order shown, and their names on the page."""

STEP_NAMES: Final = {
    "sample": "Sampled",
    "seasons": "Four seasons matched",
    "export": "Pixels exported",
    "quality": "Pixels good enough",
}


@dataclass(frozen=True)
class FunnelView:
    """One step of the funnel."""

    name: str
    kept: int
    share: float
    """Of the sampled locations, 0..1."""
    reasons: tuple[tuple[str, int], ...]
    """(reason, locations lost to it)."""
    pending: int
    """Locations that entered the step before but have no verdict here yet."""


@dataclass(frozen=True)
class ClassAgreement:
    """One class's row of the confusion table."""

    cover: LandCoverClass
    shares: tuple[float | None, ...]
    """Of the pixels that truly are this class, the share labelled as each class; None where there are none."""
    pixels: int
    recall: float | None
    """Share of this class's true pixels that are labelled so (producer's accuracy)."""
    precision: float | None
    """Share of the pixels labelled so that truly are this class (user's accuracy)."""


@dataclass(frozen=True)
class ScoreRow:
    """One row of the score table."""

    name: str
    values: tuple[float | None, ...]
    """OA, AA, mIoU, mF1, each 0..1."""


@dataclass(frozen=True)
class ClassScores:
    """One class's row of the per-class table."""

    cover: LandCoverClass
    iou: tuple[float | None, ...]
    """Intersection over union, a value a score set."""


def funnel_views(run: RunRecord) -> tuple[FunnelView, ...]:
    """The steps that the build has reached, with what each lost."""
    sampled, *later = funnel(len(run.locations), run.verdicts, run.exports, run.quality)
    steps = [sampled, *(step for step in later if step.entered)]
    views, before = [], len(run.locations)
    for step in steps:
        share = step.kept / max(len(run.locations), 1)
        pending = max(before - step.entered, 0)
        views.append(FunnelView(STEP_NAMES[step.stage], step.kept, share, step.reasons, pending))
        before = step.kept
    return tuple(views)


def class_agreement(counts: LabelCounts) -> tuple[ClassAgreement, ...]:
    """The confusion of labels and truth, a row a true class; empty where the truth is not known."""
    if counts.confusion is None:
        return ()
    true, labelled = counts.confusion.sum(axis=1), counts.confusion.sum(axis=0)
    rows = []
    for cover in DW_CLASSES:
        code = cover.code
        right = int(counts.confusion[code, code])
        shares = tuple(share(int(n), int(true[code])) for n in counts.confusion[code])
        precision = share(right, int(labelled[code]))
        rows.append(ClassAgreement(cover, shares, int(true[code]), shares[code], precision))
    return tuple(rows)


def score_rows(result: TrainingResult) -> tuple[ScoreRow, ...]:
    """The score table: a row for every score set that the run has."""
    found = [(name, result.scores[key]) for key, name in SCORED if key in result.scores]
    return tuple(ScoreRow(name, (s.oa, s.aa, s.miou, s.mf1)) for name, s in found)


def class_scores(result: TrainingResult) -> tuple[tuple[str, ...], tuple[ClassScores, ...]]:
    """Per-class IoU: the names of the columns, and a row a class."""
    full = [(name, result.scores[key]) for key, name in SCORED if key in result.scores]
    full = [(name, s) for name, s in full if len(s.per_class_iou) == len(DW_CLASSES)]
    rows = tuple(ClassScores(c, tuple(s.per_class_iou[c.code] for _, s in full)) for c in DW_CLASSES)
    return tuple(name for name, _ in full), rows if full else ()


def mean_share(counts: LabelCounts) -> float:
    """Share of the counted pixels that have a label, 0..1."""
    labelled = int(np.sum(counts.labels))
    return labelled / max(labelled + int(np.sum(counts.unlabelled)), 1)


def share(part: int, whole: int) -> float | None:
    """part / whole, or None where there is no whole."""
    return part / whole if whole else None
