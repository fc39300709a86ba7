"""A teacher whose weights are the moving average of its student's (mean teacher; arXiv 2504.13458)."""

import copy
from itertools import chain

import torch
from torch import Tensor

from training.segmenter import Segmenter


def teacher_of(student: Segmenter) -> Segmenter:
    """A copy that is never trained by gradients, in evaluation mode."""
    teacher = copy.deepcopy(student).eval()
    return teacher.requires_grad_(False)


def decay_at(step: int, largest: float) -> float:
    """Share that the teacher keeps of itself after step 0, 1, ...: min(1 - 1 / (step + 1), largest)."""
    return min(1.0 - 1.0 / (step + 1), largest)


@torch.no_grad()
def follow(teacher: Segmenter, student: Segmenter, decay: float) -> None:
    """Move the teacher's weights and batch norm statistics: t = decay * t + (1 - decay) * s; counters are copied."""
    for own, new in zip(_tensors(teacher), _tensors(student), strict=True):
        if own.is_floating_point():
            own.lerp_(new, 1.0 - decay)
        else:
            own.copy_(new)


def _tensors(network: Segmenter) -> chain[Tensor]:
    return chain(network.parameters(), network.buffers())
