"""ClassMix: half the classes of a labelled image pasted over an unlabelled one (arXiv 2007.07936; 2504.13458).

Dimensions: B batch, C class or band, H row, W column.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import nll_loss

from pipeline.schema.landcover import IGNORE
from training.to_device import to_device


@dataclass(frozen=True)
class PseudoLabels:
    """What the teacher makes of unlabelled images."""

    label: Tensor
    """uint8 (B, H, W): class, or 255 where the image shows nothing."""
    weight: Tensor
    """float32 (B,), 0..1: share, of the image's pixels that show something, of those whose largest probability reaches
    the threshold."""


@dataclass(frozen=True)
class Mixed:
    """Images of two sources, and what they are to be learnt as."""

    image: Tensor
    """(B, C, H, W)."""
    label: Tensor
    """uint8 (B, H, W): class, or 255 for none."""
    weight: Tensor
    """float32 (B, H, W): 1 where a labelled pixel was pasted, else the weight of the unlabelled image; 0 where there is
    no label."""


def pseudo_labels(log_p_BCHW: Tensor, seen_BHW: Tensor, *, confidence: float) -> PseudoLabels:
    """Return the likeliest class of each pixel, and each image's share of confident pixels (arXiv 2504.13458).

    `seen_BHW`: bool, where the image shows something; other pixels get no label and count for nothing.
    """
    largest_BHW, label_BHW = log_p_BCHW.exp().max(dim=1)
    sure_B = ((largest_BHW >= confidence) & seen_BHW).float().sum(dim=(1, 2))
    label_BHW = torch.where(seen_BHW, label_BHW, IGNORE).to(torch.uint8)
    return PseudoLabels(label_BHW, sure_B / seen_BHW.sum(dim=(1, 2)).clamp(min=1))


def chosen_classes(label_BHW: Tensor, classes: int, generator: torch.Generator) -> Tensor:
    """Draw half of the classes that occur in each label map, rounded up: bool (B, classes), on the labels' device.

    `label_BHW`: uint8 classes; pixels of 255 have none. `generator`: on the CPU. The device is not waited for.
    """
    class_C11 = torch.arange(classes, device=label_BHW.device).view(-1, 1, 1)
    occurs_BC = (label_BHW.unsqueeze(1) == class_C11).any(dim=(2, 3))
    luck_BC = to_device(torch.rand((len(label_BHW), classes), generator=generator), label_BHW.device)
    # The classes that occur come first in this order, shuffled.
    rank_BC = (luck_BC + (~occurs_BC).float()).argsort(dim=1).argsort(dim=1)
    half_B1 = (occurs_BC.sum(dim=1, keepdim=True) + 1) // 2
    return occurs_BC & (rank_BC < half_B1)


def mix(image_BCHW: Tensor, label_BHW: Tensor, under_BCHW: Tensor, under: PseudoLabels, chosen_BC: Tensor) -> Mixed:
    """Paste the chosen classes of labelled images over unlabelled ones of the same size.

    `image_BCHW`, `label_BHW`: the labelled images; 255 is never pasted. `under_BCHW`, `under`: the unlabelled ones.
    """
    labelled_BHW = label_BHW != IGNORE
    index_BN = torch.where(labelled_BHW, label_BHW, 0).long().flatten(1)
    pasted_BHW = chosen_BC.gather(1, index_BN).view_as(labelled_BHW) & labelled_BHW
    mixed_BHW = torch.where(pasted_BHW, label_BHW, under.label)
    return Mixed(
        torch.where(pasted_BHW.unsqueeze(1), image_BCHW, under_BCHW),
        mixed_BHW,
        torch.where(pasted_BHW, 1.0, under.weight.view(-1, 1, 1)) * (mixed_BHW != IGNORE),
    )


def mixed_loss(log_p_BCHW: Tensor, mixed: Mixed) -> Tensor:
    """Return sum_i w_i CE_i / number of pixels, 0-dim: a batch of little confidence weighs little (arXiv 2504.13458).

    `log_p_BCHW`: log-probabilities, float32.
    """
    cross_entropy_BHW = nll_loss(log_p_BCHW, mixed.label.long(), reduction="none", ignore_index=IGNORE)
    return (mixed.weight * cross_entropy_BHW).mean()
