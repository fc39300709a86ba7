"""How far apart two networks' feature statistics are: KL divergence of batch norm's stored Gaussians (Fig. 8c, d).

Each channel of a batch norm layer stores the mean and variance of what came by in training. Of two networks these are
two Gaussians; their divergence is symmetric here: the mean of KL(a || b) and KL(b || a), in nats.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from training.analysis.runs import Checkpoint, PretrainRun
from training.analysis.unet_parts import Part, modalities_of, part_of, unet_weights
from training.modality import MODALITIES, Modality
from training.weight_files import read_weights

EPSILON: Final = 1e-5
"""Added to every variance, as batch norm itself does (torch.nn.BatchNorm2d's default), so that a channel that never
varies has a distribution too."""

MEAN, VARIANCE = ".running_mean", ".running_var"


@dataclass(frozen=True)
class LayerDivergence:
    """Two networks at one layer, after as many epochs."""

    run: str
    other: str
    """The run that it is compared with; a single run's own newest network where it is `run` itself."""
    modality: Modality
    part: Part
    """Of a network fused in the middle, both modalities share the decoder and its statistics."""
    layer: str
    epoch: int
    kl: float
    """Mean over the layer's channels, nats, >= 0."""


def gaussian_kl(
    mean_a: NDArray[np.float64], var_a: NDArray[np.float64], mean_b: NDArray[np.float64], var_b: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return KL(N(a) || N(b)) of univariate Gaussians, elementwise, in nats.

    It is (1/2) (ln(vb / va) + (va + (ma - mb)^2) / vb - 1). Variances are above 0.
    """
    divergence: NDArray[np.float64] = 0.5 * (np.log(var_b / var_a) + (var_a + (mean_a - mean_b) ** 2) / var_b - 1.0)
    return divergence


def layer_divergences(weights: Mapping[str, Tensor], others: Mapping[str, Tensor]) -> dict[str, float]:
    """Return the symmetric divergence of each batch norm layer that both networks have, by the layer's name.

    Both by the names of smp.Unet. A layer with another number of channels in the other network is left out.
    """
    found = {}
    for name in weights:
        if not name.endswith(MEAN) or name not in others or weights[name].shape != others[name].shape:
            continue
        layer = name.removesuffix(MEAN)
        a, b = _gaussians(weights, layer), _gaussians(others, layer)
        found[layer] = float((0.5 * (gaussian_kl(*a, *b) + gaussian_kl(*b, *a))).mean())
    return found


def divergences_over_epochs(runs: Sequence[PretrainRun]) -> list[LayerDivergence]:
    """Compare every two runs at the epochs of which both kept a network, in the modalities that both see.

    A single run is compared with its own newest network, epoch by epoch.
    """
    if len(runs) == 1:
        (run,) = runs
        return [row for checkpoint in run.checkpoints for row in _compare(run, checkpoint, run, run.last)]
    return [
        row
        for run, other in combinations(runs, 2)
        for mine, theirs in _same_epochs(run, other)
        for row in _compare(run, mine, other, theirs)
    ]


def _same_epochs(run: PretrainRun, other: PretrainRun) -> Iterator[tuple[Checkpoint, Checkpoint]]:
    theirs = {checkpoint.epoch: checkpoint for checkpoint in other.checkpoints}
    return ((mine, theirs[mine.epoch]) for mine in run.checkpoints if mine.epoch in theirs)


def _compare(run: PretrainRun, mine: Checkpoint, other: PretrainRun, theirs: Checkpoint) -> Iterator[LayerDivergence]:
    weights, others = read_weights(mine.path), read_weights(theirs.path)
    for modality in MODALITIES:
        if modality not in modalities_of(run.settings) or modality not in modalities_of(other.settings):
            continue
        found = layer_divergences(
            unet_weights(weights, run.settings, modality), unet_weights(others, other.settings, modality)
        )
        for layer, kl in found.items():
            if (part := part_of(layer)) is not None:
                yield LayerDivergence(run.name, other.name, modality, part, layer, mine.epoch, kl)


def _gaussians(weights: Mapping[str, Tensor], layer: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    mean, variance = weights[layer + MEAN], weights[layer + VARIANCE]
    return mean.double().numpy(), variance.double().numpy() + EPSILON
