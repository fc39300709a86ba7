"""How well sample selection tells right labels from wrong ones, where the truth is known.

A pixel is selected where its weight w (CromSS, eq. 11) is 1, that is where its label confidence reaches its class's
threshold. A selected pixel is a hit where its label is right.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from pipeline.schema.landcover import DW_CLASSES, IGNORE, N_DW_CLASSES
from training.analysis.held_out import Seen
from training.modality import Modality
from training.selection import segmentation_weights

RATIOS: Final = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
"""Selection ratios a that are tried: the share of each class's pixels that is selected."""

ALL: Final = "all"
"""Stands for the pixels of all classes together."""


@dataclass(frozen=True)
class SelectionScore:
    """What is selected at one ratio, among the pixels that carry one label."""

    modality: Modality
    ratio: float
    """a of eq. 11."""
    label: str
    """Name of the class, or ALL."""
    pixels: int
    """Pixels that have both a label and a truth."""
    selected: float
    """Share of them that is selected."""
    right: float
    """Share of them whose label is right: the precision of a selection that tells nothing."""
    precision: float | None
    """Share of the selected labels that is right; None where none is selected."""
    recall: float | None
    """Share of the right labels that is selected; None where none is right."""
    wrong_kept: float | None
    """Share of the wrong labels that is selected nevertheless; None where none is wrong."""


class SelectionCounts:
    """Counts what is selected at each of some ratios, batch after batch, thresholds taken over each as in training."""

    def __init__(self, ratios: Sequence[float]) -> None:
        self._ratios = ratios
        self._counts: dict[tuple[Modality, float], Tensor] = {}

    def add(self, seen: Seen) -> None:
        """Count a batch; one without a truth counts for nothing."""
        if seen.truth is None:
            return
        for modality, support_BHW in seen.support.items():
            for ratio in self._ratios:
                weight_BHW = segmentation_weights(support_BHW, seen.label, ratio=ratio, classes=N_DW_CLASSES)
                found_C22 = _count(weight_BHW >= 1.0, seen.label, seen.truth)
                before_C22 = self._counts.get((modality, ratio))
                self._counts[modality, ratio] = found_C22 if before_C22 is None else before_C22 + found_C22

    def scores(self) -> list[SelectionScore]:
        """Of all classes together, then of each that a counted pixel is labelled with, modality by modality."""
        rows = []
        for (modality, ratio), counted_C22 in sorted(self._counts.items(), key=lambda item: item[0][0]):
            named = [(ALL, counted_C22.sum(0)), *((c.name, counted_C22[c.code]) for c in DW_CLASSES)]
            rows += [_score(modality, ratio, name, found_22) for name, found_22 in named if int(found_22.sum())]
        return rows


def _count(selected_BHW: Tensor, label_BHW: Tensor, truth_BHW: Tensor) -> Tensor:
    """Pixels by label, whether the label is right, and whether it is selected: int64 (classes, 2, 2)."""
    counted = (label_BHW != IGNORE) & (truth_BHW != IGNORE)
    label_N = label_BHW[counted].long()
    right_N = (label_N == truth_BHW[counted].long()).long()
    flat_N = (label_N * 2 + right_N) * 2 + selected_BHW[counted].long()
    return torch.bincount(flat_N, minlength=N_DW_CLASSES * 4).reshape(N_DW_CLASSES, 2, 2).cpu()


def _score(modality: Modality, ratio: float, name: str, counted_22: Tensor) -> SelectionScore:
    (wrong_out, wrong_in), (right_out, right_in) = counted_22.tolist()
    pixels = wrong_out + wrong_in + right_out + right_in
    return SelectionScore(
        modality=modality,
        ratio=ratio,
        label=name,
        pixels=pixels,
        selected=(wrong_in + right_in) / pixels,
        right=(right_out + right_in) / pixels,
        precision=_share(right_in, wrong_in + right_in),
        recall=_share(right_in, right_out + right_in),
        wrong_kept=_share(wrong_in, wrong_out + wrong_in),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
