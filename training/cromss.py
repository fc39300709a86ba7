"""The CromSS objective of one step: two modalities, one noisy label.

"CromSS: Cross-modal pretraining with noisy labels for remote sensing image segmentation", IEEE TGRS 2025,
arXiv 2405.01217; equation numbers are that paper's.
Dimensions: B batch, C class, S season, H row, W column. s1, s2: Sentinel-1, Sentinel-2.
"""

from dataclasses import dataclass, replace
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from pipeline.schema.landcover import IGNORE
from training.confidence import enhance, entropy_confidence, gini_confidence, label_confidence
from training.losses import Divergence, divergence, weighted_cross_entropy, weighted_dice, weighted_mean
from training.ramp import RampShape, ramp, selection_ratio
from training.selection import consistency_weights, segmentation_weights
from training.smoothing import chosen_label, smooth_labels, spatial_temporal_prior

Confidence = Literal["entropy", "gini"]


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
    """False: every labelled pixel weighs 1, which is the paper's plain midF or lateF."""

    def __post_init__(self) -> None:
        """Refuse values that are out of range, naming the field."""
        if self.final_ratio == 0.0:
            raise ValueError("final_ratio is 0: give a share above 0, or no pixel is selected")
        for name in ("prior_factor", "uniform_factor", "final_ratio"):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"{name} is {value}: give a share between 0 and 1")
        if self.prior_factor + self.uniform_factor > 1.0:
            both = self.prior_factor + self.uniform_factor
            raise ValueError(f"prior_factor + uniform_factor is {both}: give at most 1 together")
        for name in ("ramp_epochs", "consistency_weight"):
            value = getattr(self, name)
            if value < 0:
                raise ValueError(f"{name} is {value}: give 0 or more")
        for name, kinds in (("consistency", Divergence), ("confidence", Confidence), ("ramp", RampShape)):
            value = getattr(self, name)
            if value not in get_args(kinds):
                raise ValueError(f"{name} is {value!r}: give one of {', '.join(get_args(kinds))}")


@dataclass(frozen=True)
class StepLosses:
    """The losses of one step, 0-dim float32 tensors on the graph."""

    total: Tensor
    """segmentation_s1 + segmentation_s2 + consistency_weight * consistency (eq. 1)."""
    segmentation_s1: Tensor
    """Cross-entropy + Dice of Sentinel-1 (eq. 2)."""
    segmentation_s2: Tensor
    """Cross-entropy + Dice of Sentinel-2 (eq. 2)."""
    consistency: Tensor
    """Both directions together (eq. 5, 7)."""


@dataclass(frozen=True)
class SelectionMasks:
    """The weights of each pixel, (B, H, W) float32, 0..1, off the graph; 0 where there is no label."""

    segmentation_s1: Tensor
    """w of eq. 11, weighs the Sentinel-1 segmentation loss."""
    segmentation_s2: Tensor
    """w of eq. 11, weighs the Sentinel-2 segmentation loss."""
    consistency_s1: Tensor
    """v of eq. 12 with Sentinel-1 as the teacher."""
    consistency_s2: Tensor
    """v of eq. 12 with Sentinel-2 as the teacher."""


def training_losses(
    logits_s1_BCHW: Tensor,
    logits_s2_BCHW: Tensor,
    labels_BSHW: Tensor,
    season_B: Tensor,
    epoch: int,
    objective: Objective,
) -> tuple[StepLosses, SelectionMasks]:
    """Return the losses of a training step and the weights that they used (CromSS, eq. 1-15).

    Logits: any float type, computed on in float32. `labels_BSHW`: uint8 classes 0..C-1 of every season, or 255 for
    no label. `season_B`: int64, 0..S-1, the season that the images show. `epoch` counts from 0.
    A pixel without a label in that season takes no part in any loss, threshold or weight.
    ValueError if the shapes do not agree.
    """
    _check_shapes(logits_s1_BCHW, logits_s2_BCHW, labels_BSHW[:, 0])
    classes = logits_s1_BCHW.shape[1]
    log_p_s1_BCHW = log_softmax(logits_s1_BCHW.float(), dim=1)
    log_p_s2_BCHW = log_softmax(logits_s2_BCHW.float(), dim=1)
    label_BHW = chosen_label(labels_BSHW, season_B)
    prior_BCHW = None
    if objective.prior_factor > 0.0:
        prior_BCHW = spatial_temporal_prior(labels_BSHW, season_B, classes=classes)
    target_BCHW = smooth_labels(
        label_BHW,
        prior_BCHW,
        classes=classes,
        prior_factor=objective.prior_factor,
        uniform_factor=objective.uniform_factor,
    )
    masks = selection_masks(log_p_s1_BCHW, log_p_s2_BCHW, label_BHW, epoch=epoch, objective=objective)
    seg_s1 = _segmentation(log_p_s1_BCHW, target_BCHW, masks.segmentation_s1)
    seg_s2 = _segmentation(log_p_s2_BCHW, target_BCHW, masks.segmentation_s2)
    consistency = _consistency(log_p_s1_BCHW, log_p_s2_BCHW, masks, objective.consistency)
    total = seg_s1 + seg_s2 + objective.consistency_weight * consistency
    return StepLosses(total, seg_s1, seg_s2, consistency), masks


CROMSS = Objective()
"""The objective with which the paper's CromSS networks were trained."""


def validation_loss(
    logits_s1_BCHW: Tensor, logits_s2_BCHW: Tensor, label_BHW: Tensor, objective: Objective = CROMSS
) -> Tensor:
    """Return the total loss without selection and without label smoothing, 0-dim.

    Logits: any float type, computed on in float32. `label_BHW`: uint8 classes 0..C-1, or 255 for no label.
    Of `objective` only the consistency's kind and weight count. ValueError if the shapes do not agree.
    """
    plain = replace(objective, prior_factor=0.0, uniform_factor=0.0, select=False)
    season_B = torch.zeros(label_BHW.shape[0], dtype=torch.int64, device=label_BHW.device)
    losses, _ = training_losses(logits_s1_BCHW, logits_s2_BCHW, label_BHW.unsqueeze(1), season_B, 0, plain)
    return losses.total


@torch.no_grad()
def selection_masks(
    log_p_s1_BCHW: Tensor, log_p_s2_BCHW: Tensor, label_BHW: Tensor, *, epoch: int, objective: Objective
) -> SelectionMasks:
    """Return the weights of both losses in both modalities (CromSS, eq. 8-12).

    `log_p_*_BCHW`: log-probabilities, float32. `label_BHW`: classes 0..C-1, or 255 for no label.
    """
    if not objective.select:
        labelled_BHW = (label_BHW != IGNORE).float()
        return SelectionMasks(labelled_BHW, labelled_BHW, labelled_BHW, labelled_BHW)
    r = ramp(epoch, ramp_epochs=objective.ramp_epochs, shape=objective.ramp)
    ratio = selection_ratio(r, final_ratio=objective.final_ratio)
    classes = log_p_s1_BCHW.shape[1]
    own_confidence = entropy_confidence if objective.confidence == "entropy" else gini_confidence
    f_s1_BHW = label_confidence(log_p_s1_BCHW, label_BHW)
    f_s2_BHW = label_confidence(log_p_s2_BCHW, label_BHW)
    g_s1_BHW = own_confidence(log_p_s1_BCHW)
    g_s2_BHW = own_confidence(log_p_s2_BCHW)
    return SelectionMasks(
        segmentation_weights(enhance(f_s1_BHW, f_s2_BHW), label_BHW, ratio=ratio, classes=classes),
        segmentation_weights(enhance(f_s2_BHW, f_s1_BHW), label_BHW, ratio=ratio, classes=classes),
        consistency_weights(enhance(g_s1_BHW, g_s2_BHW), label_BHW, ramp_value=r),
        consistency_weights(enhance(g_s2_BHW, g_s1_BHW), label_BHW, ramp_value=r),
    )


def _segmentation(log_p_BCHW: Tensor, target_BCHW: Tensor, weight_BHW: Tensor) -> Tensor:
    return weighted_cross_entropy(log_p_BCHW, target_BCHW, weight_BHW) + weighted_dice(
        log_p_BCHW, target_BCHW, weight_BHW
    )


def _consistency(log_p_s1_BCHW: Tensor, log_p_s2_BCHW: Tensor, masks: SelectionMasks, kind: Divergence) -> Tensor:
    """Each modality teaches the other, weighed by the teacher's confidence (eq. 7)."""
    s1_teaches_BHW = divergence(log_p_s1_BCHW, log_p_s2_BCHW, kind=kind)
    s2_teaches_BHW = divergence(log_p_s2_BCHW, log_p_s1_BCHW, kind=kind)
    return weighted_mean(s1_teaches_BHW, masks.consistency_s1) + weighted_mean(s2_teaches_BHW, masks.consistency_s2)


def _check_shapes(logits_s1_BCHW: Tensor, logits_s2_BCHW: Tensor, label_BHW: Tensor) -> None:
    s1, s2, label = tuple(logits_s1_BCHW.shape), tuple(logits_s2_BCHW.shape), tuple(label_BHW.shape)
    if s1 != s2 or label != (s1[0], *s1[2:]):
        raise ValueError(
            f"logits (B, C, H, W) are {s1} for S1 and {s2} for S2, labels (B, H, W) are {label}:"
            " give all three the same B, H and W"
        )
