"""One step of the optical teacher's training.

Dimensions: B batch, C class or band, H row, W column.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from pipeline.schema.landcover import IGNORE, N_DW_CLASSES
from training.compute import Compute, Inputs
from training.losses import weighted_cross_entropy
from training.pseudo.classmix import chosen_classes, mix, mixed_loss, pseudo_labels
from training.pseudo.resolution import Alignment, align_resolution
from training.pseudo.settings import TeacherSettings
from training.segmenter import Segmenter
from training.smoothing import one_hot


@dataclass(frozen=True)
class TeacherLosses:
    """What a step was about, 0-dim float32 tensors, the total on the graph."""

    total: Tensor
    labelled: Tensor
    """Cross-entropy over the labelled pixels."""
    mixed: Tensor
    """Weighted cross-entropy of the mixed images; 0 where they are left out."""
    confident_share: Tensor
    """Mean over the unlabelled images of their share of confident pixels, 0..1; 0 where they are left out."""


def teacher_losses(
    student: Segmenter,
    teacher: Segmenter,
    labelled: Inputs,
    unlabelled: Inputs,
    seen_BHW: Tensor,
    *,
    settings: TeacherSettings,
    compute: Compute,
    generator: torch.Generator,
) -> TeacherLosses:
    """Return L = CE(labelled) + mixed_weight * weighted CE(mixed) of the student (arXiv 2504.13458).

    `teacher`: in evaluation mode; it labels the unlabelled images. `seen_BHW`: bool, where these show something; what
    they hold elsewhere is not learnt. `generator`: on the CPU; decides which labelled
    images are made coarse, and which classes are pasted.
    """
    alignment = Alignment(settings.alignment_p, settings.alignment_down, settings.alignment_up)
    image_BCHW, label_BHW = align_resolution(labelled.s2, labelled.label, alignment, generator)
    chosen_BC = chosen_classes(label_BHW, N_DW_CLASSES, generator)
    log_p_BCHW = _log_p(student, image_BCHW, compute)
    target_BCHW = one_hot(label_BHW, classes=N_DW_CLASSES)
    own = weighted_cross_entropy(log_p_BCHW, target_BCHW, (label_BHW != IGNORE).float())
    if settings.mixed_weight == 0.0:
        zero = torch.zeros_like(own)
        return TeacherLosses(own, own.detach(), zero, zero)
    with torch.no_grad():
        log_p_BCHW = _log_p(teacher, unlabelled.s2, compute)
        under = pseudo_labels(log_p_BCHW, seen_BHW, confidence=settings.confidence)
    mixed = mix(image_BCHW, label_BHW, unlabelled.s2, under, chosen_BC)
    other = mixed_loss(_log_p(student, mixed.image, compute), mixed)
    total = own + settings.mixed_weight * other
    return TeacherLosses(total, own.detach(), other.detach(), under.weight.mean())


def _log_p(network: Segmenter, image_BCHW: Tensor, compute: Compute) -> Tensor:
    image_BCHW = image_BCHW.contiguous(memory_format=torch.channels_last)
    with compute.autocast():
        logits_BCHW = network(image_BCHW, image_BCHW)["s2"]
    return log_softmax(logits_BCHW.float(), dim=1)
