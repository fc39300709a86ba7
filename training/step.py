"""The losses of one step, for any set of modalities.

Equation numbers are those of CromSS, arXiv 2405.01217. Nothing here waits for the device: no shape depends on the
data, and no value is read back.
Dimensions: B batch, C class, S season, H row, W column.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from training.compute import Inputs
from training.cromss import consistency_loss, selection_masks
from training.gce import generalised_cross_entropy
from training.losses import weighted_cross_entropy, weighted_dice
from training.lovasz import lovasz_softmax
from training.modality import Modality
from training.objective import CROMSS, Objective
from training.ramp import Strength
from training.sce import symmetric_cross_entropy
from training.smoothing import smooth_labels, spatial_temporal_prior


@dataclass(frozen=True)
class StepLosses:
    """The losses of one step, 0-dim float32 tensors on the graph."""

    total: Tensor
    """The sum of the segmentation losses + consistency_weight * consistency (eq. 1)."""
    parts: dict[str, Tensor]
    """segmentation_s1, segmentation_s2 (eq. 2) and, of two modalities, consistency (eq. 5, 7); others are absent."""


def step_losses(
    logits: Mapping[Modality, Tensor],
    inputs: Inputs,
    epoch: int,
    objective: Objective = CROMSS,
    *,
    compiled: bool = False,
) -> StepLosses:
    """Return the losses of a training step (CromSS, eq. 1-15).

    `logits`: (B, C, H, W), any float type, computed on in float32; of both modalities or of one, which then has its
    segmentation loss only, every labelled pixel weighing 1 (the paper's single-modal pretraining). `epoch` counts
    from 0. A pixel without a label in its season takes no part in any loss, threshold or weight.
    `compiled`: fuse what is computed pixel by pixel, for a GPU; compiled once for each size of batch, for all epochs.
    ValueError if the shapes do not agree, or soft labels or confidences are wanted and `inputs` has none.
    """
    _check_shapes(logits, inputs.label)
    if objective.weigh_by_confidence and inputs.confidence is None:
        raise ValueError("weigh_by_confidence is on, but the inputs have no confidence: read the batches with it")
    soft_BCHW = _soft_labels(inputs, objective)
    selection = objective.strength(epoch, inputs.labels.device)
    losses = _compiled_losses() if compiled else _losses
    return losses(logits, inputs, soft_BCHW, selection, objective)


@cache
def _compiled_losses() -> Callable[..., StepLosses]:
    return torch.compile(_losses, dynamic=False, fullgraph=True)


def _losses(
    logits: Mapping[Modality, Tensor],
    inputs: Inputs,
    soft_BCHW: Tensor | None,
    selection: Strength,
    objective: Objective,
) -> StepLosses:
    """The losses at that strength of selection; nothing in here depends on the epoch otherwise."""
    label_BHW = inputs.label
    classes = next(iter(logits.values())).shape[1]
    log_p = {m: log_softmax(logits_BCHW.float(), dim=1) for m, logits_BCHW in logits.items()}
    prior_BCHW = None
    if objective.prior_factor > 0.0:
        prior_BCHW = spatial_temporal_prior(inputs.labels, inputs.season, classes=classes)
    target_BCHW = smooth_labels(
        label_BHW,
        prior_BCHW,
        classes=classes,
        prior_factor=objective.prior_factor,
        uniform_factor=objective.uniform_factor,
        probabilities_BCHW=soft_BCHW,
    )
    masks = selection_masks(log_p, label_BHW, soft_BCHW, strength=selection, objective=objective)
    weight = masks.segmentation
    if objective.weigh_by_confidence:
        assert inputs.confidence is not None
        weight = {m: weight_BHW * inputs.confidence for m, weight_BHW in weight.items()}
    parts = {
        f"segmentation_{m}": segmentation_loss(log_p_BCHW, target_BCHW, weight[m], objective)
        for m, log_p_BCHW in log_p.items()
    }
    total = torch.stack(list(parts.values())).sum()
    if len(log_p) > 1:
        parts["consistency"] = consistency_loss(log_p, masks, objective.consistency)
        total = total + objective.consistency_weight * parts["consistency"]
    return StepLosses(total, parts)


def validation_loss(logits: Mapping[Modality, Tensor], inputs: Inputs, objective: Objective = CROMSS) -> Tensor:
    """Return the total loss without selection, label smoothing and weights by the labels' confidence, 0-dim.

    The rest is as in step_losses.
    """
    plain = replace(objective, prior_factor=0.0, uniform_factor=0.0, select=False, weigh_by_confidence=False)
    return step_losses(logits, inputs, 0, plain).total


def segmentation_loss(
    log_p_BCHW: Tensor, target_BCHW: Tensor, weight_BHW: Tensor, objective: Objective = CROMSS
) -> Tensor:
    """Return the loss of one modality against the target, 0-dim, of the objective's kind: CE + Dice, CE, SCE or GCE.

    Where the objective has a factor for it, the Lovasz-Softmax loss of the likeliest class of the target is added.

    `log_p_BCHW`: log-probabilities, float32. `target_BCHW`: class frequencies, 0..1. `weight_BHW`: 0..1. Target and
    weight are 0 for a pixel without a label.
    """
    loss = _pixel_loss(log_p_BCHW, target_BCHW, weight_BHW, objective)
    if objective.lovasz_weight == 0.0:
        return loss
    return loss + objective.lovasz_weight * lovasz_softmax(log_p_BCHW, target_BCHW.argmax(dim=1), weight_BHW)


def _pixel_loss(log_p_BCHW: Tensor, target_BCHW: Tensor, weight_BHW: Tensor, objective: Objective) -> Tensor:
    if objective.segmentation == "sce":
        return symmetric_cross_entropy(
            log_p_BCHW, target_BCHW, weight_BHW, alpha=objective.sce_alpha, beta=objective.sce_beta
        )
    if objective.segmentation == "gce":
        return generalised_cross_entropy(log_p_BCHW, target_BCHW, weight_BHW, q=objective.gce_q)
    forward = weighted_cross_entropy(log_p_BCHW, target_BCHW, weight_BHW)
    if objective.segmentation == "ce":
        return forward
    return forward + weighted_dice(log_p_BCHW, target_BCHW, weight_BHW)


def _soft_labels(inputs: Inputs, objective: Objective) -> Tensor | None:
    if objective.labels == "hard":
        return None
    if inputs.probabilities is None:
        raise ValueError("labels is 'soft', but the inputs have no probabilities: read the batches with them")
    return inputs.probabilities


def _check_shapes(logits: Mapping[Modality, Tensor], label_BHW: Tensor) -> None:
    shapes = {m: tuple(logits_BCHW.shape) for m, logits_BCHW in logits.items()}
    label = tuple(label_BHW.shape)
    if len(set(shapes.values())) != 1 or any(label != (s[0], *s[2:]) for s in shapes.values()):
        found = " and ".join(f"{shape} for {m.upper()}" for m, shape in shapes.items())
        raise ValueError(
            f"logits (B, C, H, W) are {found}, labels (B, H, W) are {label}: give all of them the same B, H and W"
        )
