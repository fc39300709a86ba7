"""Scores of a classification, all from one confusion matrix; and how well a weight tells right from wrong."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torchmetrics.functional.classification import multiclass_confusion_matrix

from pipeline.schema.landcover import IGNORE


@dataclass(frozen=True)
class Scores:
    """What a confusion matrix says. Means run over the classes that occur in the target."""

    oa: float
    """Overall accuracy, 0..1."""
    aa: float
    """Mean recall, 0..1."""
    miou: float
    """Mean intersection over union, 0..1."""
    mf1: float
    """Mean F1 score, 0..1."""
    per_class_recall: tuple[float | None, ...]
    """None where the class does not occur in the target."""
    per_class_iou: tuple[float | None, ...]
    """None where the class does not occur in the target."""
    per_class_f1: tuple[float | None, ...]
    """None where the class does not occur in the target."""
    pixels: int
    """Pixels counted."""


def confusion_matrix(prediction: Tensor, target: Tensor, classes: int) -> Tensor:
    """Count pixels by (target, prediction): int64 (classes, classes), on the CPU.

    `prediction` and `target` have one shape and hold class numbers; a pixel that is IGNORE (255) in either is
    not counted.
    """
    counted_target = torch.where(prediction == IGNORE, prediction, target).long()
    # Arguments are not validated: that would look for every value that occurs, which takes longer than counting.
    return multiclass_confusion_matrix(
        prediction.long(), counted_target, classes, ignore_index=IGNORE, validate_args=False
    ).cpu()


def scores(confusion_CC: Tensor) -> Scores:
    """Scores of a (target, prediction) confusion matrix; NaN-free only where it counts at least one pixel.

    IoU = TP / (TP + FP + FN) and F1 = 2 TP / (2 TP + FP + FN), as in the paper's section V.
    Raises ValueError on an empty matrix.
    """
    pixels = int(confusion_CC.sum())
    if pixels == 0:
        raise ValueError("no pixel has a target; there is nothing to score")
    hit_C = confusion_CC.diagonal().double()
    target_C = confusion_CC.sum(1).double()
    predicted_C = confusion_CC.sum(0).double()
    occurs_C = target_C > 0
    recall_C = hit_C / target_C
    iou_C = hit_C / (target_C + predicted_C - hit_C)
    f1_C = 2 * hit_C / (target_C + predicted_C)
    return Scores(
        oa=float(hit_C.sum()) / pixels,
        aa=float(recall_C[occurs_C].mean()),
        miou=float(iou_C[occurs_C].mean()),
        mf1=float(f1_C[occurs_C].mean()),
        per_class_recall=_present(recall_C, occurs_C),
        per_class_iou=_present(iou_C, occurs_C),
        per_class_f1=_present(f1_C, occurs_C),
        pixels=pixels,
    )


def _present(value_C: Tensor, occurs_C: Tensor) -> tuple[float | None, ...]:
    pairs = zip(value_C.tolist(), occurs_C.tolist(), strict=True)
    return tuple(value if occurs else None for value, occurs in pairs)


class WeightCounts:
    """Counts of right and wrong labels by class and by weight, gathered batch after batch.

    From the counts the AUC follows exactly, as the rank statistic of all pairs of a right and a wrong label, ties
    counted half. Weights count as tied where their float32 share the exponent and 12 bits of the fraction, which is
    to 1 part in 4096, and where both are below 2^-24.
    """

    FRACTION_BITS = 12
    EXPONENTS = 24
    BINS = (EXPONENTS << FRACTION_BITS) + 2
    """One for what is below 2^-24, 4096 for each power of two up to 1, and one for 1 itself."""

    def __init__(self, classes: int) -> None:
        self.counts_C2K = torch.zeros((classes, 2, self.BINS), dtype=torch.int64)

    def add(self, weight_BHW: Tensor, label_BHW: Tensor, truth_BHW: Tensor) -> None:
        """Count the pixels that have both a label and a truth; weights are 0..1."""
        counted = (label_BHW != IGNORE) & (truth_BHW != IGNORE)
        label = label_BHW[counted].long()
        right = (label_BHW[counted] == truth_BHW[counted]).long()
        flat = (label * 2 + right) * self.BINS + self._bin(weight_BHW[counted])
        self.counts_C2K += torch.bincount(flat, minlength=self.counts_C2K.numel()).reshape(self.counts_C2K.shape).cpu()

    def _bin(self, weight_N: Tensor) -> Tensor:
        """Bins rise with the weight, for the bits of non-negative floats rise with their value."""
        bits_N = weight_N.float().clamp(0.0, 1.0).contiguous().view(torch.int32) >> (23 - self.FRACTION_BITS)
        first = (127 - self.EXPONENTS) << self.FRACTION_BITS
        return (bits_N.long() - first + 1).clamp_min(0)

    def auc(self) -> float | None:
        """AUC over all pixels, whatever their class; None where all labels are right or all are wrong."""
        return _auc(self.counts_C2K.sum(0))

    def auc_per_class(self) -> tuple[float | None, ...]:
        """AUC among the pixels that carry each label; None where these are all right or all wrong."""
        return tuple(_auc(counts_2K) for counts_2K in self.counts_C2K)


def _auc(counts_2K: Tensor) -> float | None:
    """P(weight of a right label > weight of a wrong one), ties counted half (Mann-Whitney U)."""
    wrong_K, right_K = counts_2K.double()
    pairs = float(wrong_K.sum() * right_K.sum())
    if pairs == 0.0:
        return None
    below_K = wrong_K.cumsum(0) - wrong_K
    return float((right_K * (below_K + wrong_K / 2)).sum()) / pairs
