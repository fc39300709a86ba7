"""How much a step computes, and how fast the device multiplies matrices: the two sides of its utilisation."""

from collections.abc import Callable
from typing import Final

import torch
from torch.utils.flop_counter import FlopCounterMode

from pipeline.schema.bands import S1_BANDS
from training.network import network_for
from training.settings import PretrainSettings

MATRIX: Final = {"cuda": 8192, "cpu": 2048}
"""Sides of the matrices that are multiplied; large enough that nothing but arithmetic counts."""

_PRODUCTS = 5


def flops_a_location(settings: PretrainSettings) -> float:
    """Floating-point operations of the network for one location, forward and backward, a multiply-add being two.

    Counted over the real network, on tensors without content. What the losses take is not in it.
    """
    px, samples = settings.crop_px, 2
    with torch.device("meta"):
        network = network_for(settings)
    network.to("meta").train()  # a few of its weights are made on the CPU in any case
    s1_BCHW = torch.empty(samples, len(S1_BANDS), px, px, device="meta")
    s2_BCHW = torch.empty(samples, settings.s2_bands, px, px, device="meta")
    with FlopCounterMode(display=False) as counter:
        total = torch.stack([logits.sum() for logits in network(s1_BCHW, s2_BCHW).values()]).sum()
        total.backward()  # type: ignore[no-untyped-call]
    return float(counter.get_total_flops()) / samples


def matrix_product(device: torch.device, dtype: torch.dtype) -> tuple[Callable[[], None], float]:
    """A product of two square matrices, to be timed, and its floating-point operations."""
    side = MATRIX[device.type]
    left, right = (torch.rand(side, side, device=device).to(dtype) for _ in range(2))

    def multiply() -> None:
        for _ in range(_PRODUCTS):
            left @ right

    return multiply, _PRODUCTS * 2.0 * side**3


def wait_for(device: torch.device) -> None:
    """Return once the device has done all that it was given; a CPU always has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
