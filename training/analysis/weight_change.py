"""How far fine-tuning moves the weights: KL divergence of their histograms before and after (Fig. 12).

The weights are the kernels of the convolutions and the matrices of linear layers, not biases nor batch norm's.
Their histogram has 100 even bins (CromSS, Sec. IV-D). The paper says no more of it: that the bins span the range that
before and after have together, the smoothing, and the symmetric form are choices of ours.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from training.analysis.unet_parts import PARTS, Part, part_of

BINS: Final = 100
"""Even bins of a histogram (CromSS, Sec. IV-D)."""

SMOOTHING: Final = 0.5
"""Weights that every bin counts beyond its own, so that no empty bin makes the divergence infinite."""

_GROUP = re.compile(r"^(?:model\.|module\.)*(?P<group>[A-Za-z_]+\d+|[A-Za-z_]+(?:\.\d+)?)")


@dataclass(frozen=True)
class GroupChange:
    """A group of layers before and after."""

    part: Part
    group: str
    """As its layers' names begin: conv1, layer1, blocks.0, ..."""
    weights: int
    """How many it has."""
    kl_before_after: float
    """KL(before || after), nats."""
    kl_after_before: float
    """KL(after || before), nats."""

    kl: float
    """Symmetric: the mean of both directions."""


@dataclass(frozen=True)
class RunChange(GroupChange):
    """A group of layers in one repeat of a transfer run."""

    run: str
    seed: int


def weight_changes(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> list[GroupChange]:
    """Return how each group of layers has changed, in the order of the network; and of either part as a whole.

    Both by the names of smp's networks; a whole part's group is called "all". Only weights that are of one name and
    shape in both count.
    """
    groups: dict[tuple[Part, str], list[str]] = {}
    for name, tensor in after.items():
        part = part_of(name)
        if part is None or tensor.ndim < 2 or name not in before or before[name].shape != tensor.shape:
            continue
        groups.setdefault((part, group_of(name.removeprefix(f"{part}."))), []).append(name)
    wholes = {(part, "all"): [n for (p, _), names in groups.items() if p == part for n in names] for part in PARTS}
    return [
        _change(part, group, _flat(before, names), _flat(after, names))
        for (part, group), names in {**groups, **wholes}.items()
        if names
    ]


def group_of(name: str) -> str:
    """The group of a layer by its name within the encoder or decoder: conv1, layer1, blocks.0, ..."""
    found = _GROUP.match(name)
    return found["group"] if found else name


def histogram_kl(p_N: NDArray[np.float64], q_M: NDArray[np.float64]) -> float:
    """Return KL(p || q) of two samples' histograms in nats: BINS even bins over the range of both, smoothed."""
    edges = np.histogram_bin_edges(np.concatenate((p_N, q_M)), BINS)
    p, q = (np.histogram(sample, edges)[0] + SMOOTHING for sample in (p_N, q_M))
    p, q = p / p.sum(), q / q.sum()
    return float((p * np.log(p / q)).sum())


def _change(part: Part, group: str, before: NDArray[np.float64], after: NDArray[np.float64]) -> GroupChange:
    forward, backward = histogram_kl(before, after), histogram_kl(after, before)
    return GroupChange(part, group, len(after), forward, backward, 0.5 * (forward + backward))


def _flat(weights: Mapping[str, Tensor], names: Iterable[str]) -> NDArray[np.float64]:
    return np.concatenate([weights[name].double().flatten().numpy() for name in names])
