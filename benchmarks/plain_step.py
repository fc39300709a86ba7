"""A training step as it is written without a thought for the device: the other side of `noldo bench step`.

The same mathematics as training.step, equation by equation (CromSS, arXiv 2405.01217), the way the published code and
most others do it: class after class, a top-k for each and the number of its pixels read back, 18 Gaussian filters
for the prior, rows and columns by convolution, float32 images with their channels first, no compiler, the loss read
back after every step; on a GPU fp16 autocast with a scaled loss, as published. What slows the published step most is
left out, to its favour: its smoothing runs on the CPU, sample by sample.
Dimensions: B batch, C class, S season, H row, W column.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import conv2d
from torch.optim import Adam

from pipeline.schema.landcover import IGNORE
from training.compute import Inputs
from training.modality import Modality
from training.objective import Objective
from training.segmenter import Segmenter

SIGMA_PX, RADIUS_PX = 3.0, 12


@dataclass(frozen=True)
class PlainStep:
    """One step after another of a network on its device; the weights keep PyTorch's usual order."""

    network: Segmenter
    optimizer: Adam
    scaler: torch.amp.GradScaler
    objective: Objective

    def run(self, inputs: Inputs, epoch: int) -> float:
        """Forward, losses, backward, Adam; returns the total loss."""
        self.optimizer.zero_grad()
        with torch.autocast(inputs.s1.device.type, dtype=torch.float16, enabled=self.scaler.is_enabled()):
            logits = self.network(inputs.s1.contiguous(), inputs.s2.contiguous())
        total = plain_loss(logits, inputs, epoch, self.objective)
        self.scaler.scale(total).backward()  # type: ignore[no-untyped-call]
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return total.item()


def plain_loss(logits: Mapping[Modality, Tensor], inputs: Inputs, epoch: int, objective: Objective) -> Tensor:
    """Return the total loss, 0-dim, of two modalities with cross-entropy + Dice and the code's default consistency.

    Equal to `training.step.step_losses` but for rounding. ValueError for another objective.
    """
    if (objective.segmentation, objective.consistency, objective.confidence) != ("ce_dice", "ce", "entropy"):
        raise ValueError("the plain step knows the paper's losses only: ce_dice, ce, entropy")
    p = {m: torch.softmax(logits_BCHW.float(), dim=1) for m, logits_BCHW in logits.items()}
    log_p = {m: torch.log_softmax(logits_BCHW.float(), dim=1) for m, logits_BCHW in logits.items()}
    target_BCHW = plain_target(inputs, p["s1"].shape[1], objective)
    total = torch.zeros((), device=target_BCHW.device)
    others: dict[Modality, Modality] = {"s1": "s2", "s2": "s1"}
    r = math.exp(-5.0 * (1.0 - min(epoch, objective.ramp_epochs) / objective.ramp_epochs) ** 2)
    for d, other in others.items():
        w_BHW = plain_weights(p[d].detach(), p[other].detach(), inputs.label, 1.0 - r * (1.0 - objective.final_ratio))
        ce_BHW = -(target_BCHW * log_p[d]).sum(dim=1)
        total = total + (w_BHW * ce_BHW).sum() / w_BHW.sum()
        w_B1HW = w_BHW.unsqueeze(1)
        overlap_C = (w_B1HW * p[d] * target_BCHW).sum(dim=(0, 2, 3))
        size_C = (w_B1HW * (p[d] + target_BCHW)).sum(dim=(0, 2, 3)).clamp_min(1e-7)
        occurs_C = (target_BCHW.sum(dim=(0, 2, 3)) > 0).float()
        total = total + (occurs_C * (1.0 - 2.0 * overlap_C / size_C)).mean()
        g_BHW = certainty(p[d].detach()) * (1.0 + certainty(p[other].detach())) / 2.0
        v_BHW = ((1.0 - r) + r * g_BHW) * (inputs.label != IGNORE)
        taught_BHW = -(p[d].detach() * log_p[other]).sum(dim=1)
        total = total + objective.consistency_weight * (v_BHW * taught_BHW).sum() / v_BHW.sum()
    return total


def plain_target(inputs: Inputs, classes: int, objective: Objective) -> Tensor:
    """Return the smoothed target (B, C, H, W) of eq. 13-15, one class after the other."""
    label_BHW, planes = inputs.label, []
    for c in range(classes):
        own_BHW = (label_BHW == c).float()
        spatial_BHW = blur(own_BHW)
        temporal_BHW = blur((inputs.labels == c).float().mean(dim=1))
        planes.append((spatial_BHW + temporal_BHW) / 2.0)
    prior_BCHW = torch.stack(planes, dim=1)
    votes_B1HW = prior_BCHW.sum(dim=1, keepdim=True)
    prior_BCHW = torch.where(votes_B1HW > 0, prior_BCHW / votes_B1HW, torch.zeros_like(prior_BCHW))
    own_BCHW = torch.stack([(label_BHW == c).float() for c in range(classes)], dim=1)
    a, b = objective.prior_factor, objective.uniform_factor
    target_BCHW = (1.0 - a - b) * own_BCHW + a * prior_BCHW + b / classes
    return target_BCHW * (label_BHW != IGNORE).unsqueeze(1)


def blur(x_BHW: Tensor) -> Tensor:
    """Return the Gaussian of eq. 14, mirrored beyond the border with the outer pixel repeated; H and W at least 12."""
    offset_K = torch.arange(-RADIUS_PX, RADIUS_PX + 1, device=x_BHW.device)
    tap_K = torch.exp(-0.5 * (offset_K / SIGMA_PX) ** 2)
    tap_K = tap_K / tap_K.sum()
    x_B1HW = x_BHW.unsqueeze(1)
    for axis, shape in ((2, (1, 1, -1, 1)), (3, (1, 1, 1, -1))):
        size = x_B1HW.shape[axis]
        before, after = x_B1HW.narrow(axis, 0, RADIUS_PX), x_B1HW.narrow(axis, size - RADIUS_PX, RADIUS_PX)
        x_B1HW = torch.cat((before.flip(axis), x_B1HW, after.flip(axis)), dim=axis)
        x_B1HW = conv2d(x_B1HW, tap_K.view(shape))
    return x_B1HW.squeeze(1)


def plain_weights(p_BCHW: Tensor, other_p_BCHW: Tensor, label_BHW: Tensor, ratio: float) -> Tensor:
    """Return w of eq. 8, 10 and 11, (B, H, W), one class after the other."""
    weight_BHW = torch.zeros_like(p_BCHW[:, 0])
    for c in range(p_BCHW.shape[1]):
        of_class_BHW = label_BHW == c
        confidence_N = p_BCHW[:, c][of_class_BHW] * (1.0 + other_p_BCHW[:, c][of_class_BHW]) / 2.0
        selected = int((of_class_BHW.sum() * ratio).item())
        tau = confidence_N.topk(selected).values[-1].item() if selected else 0.0
        weight_BHW[of_class_BHW] = (confidence_N / tau).clamp(max=1.0) if tau > 0 else 1.0
    return weight_BHW


def certainty(p_BCHW: Tensor) -> Tensor:
    """Return the entropy confidence of eq. 9, (B, H, W)."""
    entropy_BHW = -(p_BCHW * torch.log(p_BCHW.clamp_min(1e-30))).sum(dim=1)
    return 1.0 - entropy_BHW / math.log(p_BCHW.shape[1])
