"""Small tensors on their way to the device."""

import torch
from torch import Tensor


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a CPU tensor on the device; a GPU is not waited for.

    A copy from memory that is not page-locked would wait until the GPU has done all that it was given before.
    """
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)
