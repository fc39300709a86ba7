"""What is said of a run whose numbers have run away, and where that shows."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pipeline.schema.errors import NoldoError


def diverged(what: str, checkpoint: Path) -> NoldoError:
    """The error to end a run with; the checkpoint on the disk, if any, is from before."""
    kept = f"\nThe last sound state is kept in {checkpoint}." if checkpoint.exists() else ""
    return NoldoError(f"{what}; try a lower learning_rate or precision float32.{kept}")


def all_finite(state: Any) -> bool:
    """Whether every float and floating-point tensor in nested lists and dicts is finite; waits for the device."""
    leaves = list(_leaves(state))
    if not all(math.isfinite(leaf) for leaf in leaves if isinstance(leaf, float)):
        return False
    found = [torch.isfinite(leaf).all() for leaf in leaves if isinstance(leaf, Tensor) and leaf.is_floating_point()]
    # One transfer a device, not one a tensor; an optimizer counts its steps on the CPU.
    return all(bool(torch.stack([f for f in found if f.device == d]).all()) for d in {f.device for f in found})


def _leaves(state: Any) -> Iterator[Any]:
    if isinstance(state, dict):
        for value in state.values():
            yield from _leaves(value)
    elif isinstance(state, list | tuple):
        for value in state:
            yield from _leaves(value)
    else:
        yield state
