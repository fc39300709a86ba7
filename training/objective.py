"""What a network is to minimise: the settings of the losses and of the sample selection.

"CromSS: Cross-modal pretraining with noisy labels for remote sensing image segmentation", IEEE TGRS 2025,
arXiv 2405.01217; equation numbers are that paper's where no other is named.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import torch

from training.losses import Divergence
from training.ramp import RampShape, Strength, ramp, selection_ratio
from training.to_device import to_device

Confidence = Literal["entropy", "gini"]
Segmentation = Literal["ce_dice", "ce", "sce", "gce"]
Labels = Literal["hard", "soft"]


_KINDS = {
    "consistency": Divergence,
    "confidence": Confidence,
    "ramp": RampShape,
    "segmentation": Segmentation,
    "labels": Labels,
}


@dataclass(frozen=True)
class Objective:
    """The settings of the objective; the defaults are the paper's (Sec. IV-A). ValueError if out of range."""

    prior_factor: float = 0.15
    """Share of the spatial-temporal prior in the target (eq. 13), 0..1."""
    uniform_factor: float = 0.05
    """Share of the uniform distribution in the target (eq. 13), 0..1; both shares together at most 1."""
    consistency: Divergence = "ce"
    """How one modality's prediction is compared with the other's (eq. 5)."""
    confidence: Confidence = "entropy"
    """Confidence behind the consistency weights (eq. 9)."""
    final_ratio: float = 0.5
    """Share of each class's pixels that keep full weight after the ramp, above 0, at most 1 (eq. 11)."""
    ramp_epochs: int = 80
    """Epochs until selection acts in full, >= 0."""
    ramp: RampShape = "exp"
    """How selection sets in over those epochs."""
    consistency_weight: float = 1.0
    """Factor of the consistency loss in the total (eq. 1), >= 0."""
    select: bool = True
    """False: every labelled pixel weighs 1, which is the paper's plain midF or lateF; so it does for one modality."""
    segmentation: Segmentation = "ce_dice"
    """How a prediction is compared with the target: cross-entropy + Dice (eq. 2), cross-entropy alone, SCE or GCE
    (training.sce, .gce)."""
    lovasz_weight: float = 0.0
    """Factor of the Lovasz-Softmax loss that is added to it, >= 0 (training.lovasz; arXiv 2504.13458 has 1)."""
    sce_alpha: float = 1.0
    """Factor of the cross-entropy in SCE, >= 0 (arXiv 2504.13458)."""
    sce_beta: float = 2.0
    """Factor of the reverse cross-entropy in SCE, >= 0 (arXiv 2504.13458)."""
    gce_q: float = 0.7
    """Exponent of GCE, above 0, at most 1: toward 0 it nears the cross-entropy, 1 is the absolute error."""
    labels: Labels = "hard"
    """What is learnt: the likeliest class, or the probabilities of all classes (training.soft_labels)."""
    weigh_by_confidence: bool = False
    """Whether a pixel's weight in the segmentation losses is multiplied by the confidence that its label came with."""

    def __post_init__(self) -> None:
        """Refuse values that are out of range, naming the field."""
        if self.final_ratio == 0.0:
            raise ValueError("final_ratio is 0: give a share above 0, or no pixel is selected")
        if self.gce_q == 0.0:
            raise ValueError("gce_q is 0: give a value above 0; ce_dice has the cross-entropy, its limit")
        for name in ("prior_factor", "uniform_factor", "final_ratio", "gce_q"):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"{name} is {value}: give a share between 0 and 1")
        if self.prior_factor + self.uniform_factor > 1.0:
            both = self.prior_factor + self.uniform_factor
            raise ValueError(f"prior_factor + uniform_factor is {both}: give at most 1 together")
        for name in ("ramp_epochs", "consistency_weight", "sce_alpha", "sce_beta", "lovasz_weight"):
            value = getattr(self, name)
            if value < 0:
                raise ValueError(f"{name} is {value}: give 0 or more")
        for name, kinds in _KINDS.items():
            value = getattr(self, name)
            if value not in get_args(kinds):
                raise ValueError(f"{name} is {value!r}: give one of {', '.join(get_args(kinds))}")

    def strength(self, epoch: int, device: torch.device) -> Strength:
        """Return how strongly pixels are selected at an epoch (from 0), on the device, which is not waited for."""
        r = ramp(epoch, ramp_epochs=self.ramp_epochs, shape=self.ramp)
        ratio = selection_ratio(r, final_ratio=self.final_ratio)
        both = to_device(torch.tensor([r, ratio], dtype=torch.float64), device)
        return Strength(both[0], both[1])


CROMSS = Objective()
"""The objective with which the paper's CromSS networks were trained."""
