"""Findings as rows of plain fields, to be written down."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.schema.landcover import IGNORE
from training.analysis.calibration import ReliabilityBin
from training.analysis.findings import Against, MapErrors, RunCalibration
from training.analysis.masks import MaskedPatch
from training.analysis.noise import ErrorRate
from training.modality import Modality


@dataclass(frozen=True)
class CalibrationBin(ReliabilityBin):
    """One bin of one reliability diagram."""

    run: str
    modality: Modality
    against: Against
    ece: float
    """Of the whole diagram."""


@dataclass(frozen=True)
class NamedErrorRate(ErrorRate):
    """How often one map is wrong in one group of pixels."""

    map: str
    """Labels, or a network."""


@dataclass(frozen=True)
class MaskRow:
    """One modality of one patch, in figures."""

    run: str
    row: int
    season: int
    modality: Modality
    labelled: float
    """Share of the patch's pixels that has a label; the rest counts in nothing below."""
    confidence: float | None
    """Mean label confidence f."""
    weight: float | None
    """Mean selection weight w."""
    certainty: float | None
    """Mean consistency weight v."""
    selected: float | None
    """Share with w = 1."""
    right: float | None
    """Share whose label is right; None where the truth is not known."""
    right_selected: float | None
    """The same of those with w = 1."""
    right_others: float | None
    """The same of those with w below 1."""


def calibration_bins(found: Sequence[RunCalibration]) -> list[CalibrationBin]:
    """All diagrams, bin by bin."""
    return [
        CalibrationBin(**vars(b), run=c.run, modality=c.modality, against=c.against, ece=c.ece)
        for c in found
        for b in c.bins
    ]


def error_rows(found: Sequence[MapErrors]) -> list[NamedErrorRate]:
    """All maps, group by group."""
    return [NamedErrorRate(**vars(rate), map=errors.name) for errors in found for rate in errors.rates]


def mask_rows(run: str, patches: Sequence[MaskedPatch]) -> list[MaskRow]:
    """What the masks of some patches come to."""
    rows = []
    for patch in patches:
        known = patch.label != IGNORE
        right = None if patch.truth is None else patch.label == patch.truth
        judged = known if patch.truth is None else known & (patch.truth != IGNORE)
        for modality, masks in patch.masks.items():
            full = masks.weight >= 1.0
            rows.append(
                MaskRow(
                    run=run,
                    row=patch.row,
                    season=patch.season,
                    modality=modality,
                    labelled=float(known.mean()),
                    confidence=_mean(masks.confidence, known),
                    weight=_mean(masks.weight, known),
                    certainty=_mean(masks.certainty, known),
                    selected=_mean(full, known),
                    right=None if right is None else _mean(right, judged),
                    right_selected=None if right is None else _mean(right, judged & full),
                    right_others=None if right is None else _mean(right, judged & ~full),
                )
            )
    return rows


def _mean(
    values: np.ndarray[tuple[int, ...], np.dtype[np.generic]], among: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
) -> float | None:
    return float(values[among].mean(dtype=np.float64)) if among.any() else None
