"""How strongly sample selection acts at an epoch (CromSS, Sec. III-B and IV-A)."""

import math
from dataclasses import dataclass
from typing import Literal, assert_never

from torch import Tensor

RampShape = Literal["exp", "linear", "none"]

EXP_STEEPNESS = 5.0
"""Exponent of the sigmoid-shaped ramp: r starts at exp(-5) = 0.0067 (the published CromSS code)."""


def ramp(epoch: int, *, ramp_epochs: int, shape: RampShape) -> float:
    """Return r(e), the share of the way to full selection, 0..1, non-decreasing, 1 from `ramp_epochs` on.

    With x = min(e, E) / E: 'exp' gives exp(-5 (1 - x)^2), 'linear' gives x, 'none' gives 1 from the start.
    `epoch` counts from 0. ValueError for a negative epoch.
    """
    if epoch < 0:
        raise ValueError(f"epoch is {epoch}: epochs count from 0")
    if shape == "none" or epoch >= ramp_epochs:
        return 1.0
    progress = epoch / ramp_epochs
    if shape == "exp":
        return math.exp(-EXP_STEEPNESS * (1.0 - progress) ** 2)
    if shape == "linear":
        return progress
    assert_never(shape)


def selection_ratio(ramp_value: float, *, final_ratio: float) -> float:
    """Return a(e) = 1 - r(e) (1 - final ratio), the share of each class's pixels that keep the full weight.

    Falls from about 1 to `final_ratio` as `ramp_value` rises from 0 to 1.
    """
    return 1.0 - ramp_value * (1.0 - final_ratio)


@dataclass(frozen=True)
class Strength:
    """How strongly pixels are selected; float64 tensors without dimensions.

    Tensors, not numbers: a compiled step takes them as data, where it would be compiled anew for other numbers.
    """

    ramp: Tensor
    """r, 0..1: the share of the way to full selection."""
    ratio: Tensor
    """a, 0..1: the share of each class's pixels that keep the full weight."""
