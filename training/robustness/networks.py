"""The networks that are compared: those of finished runs, and the one that all of them began as."""

from pathlib import Path
from typing import Final

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from pipeline.schema.errors import UsageError
from pipeline.schema.layout import PretrainLayout
from training.checkpoint import load_weights
from training.compute import Compute
from training.network import network_for
from training.robustness.features import HeldOut
from training.settings import PretrainSettings
from training.single_unet import SingleUNet

STATISTICS_BATCHES: Final = 64
"""Batches of which an untrained network's batch norm takes its statistics, at most."""


def finished_network(settings: PretrainSettings, run: Path, compute: Compute) -> SingleUNet:
    """The network that a finished run has left, on the device; UsageError where its weights are another network's."""
    network = _built(settings)
    report = load_weights(network, PretrainLayout(run).weights)
    if report.missing or report.unexpected:
        raise UsageError("\n".join([f"{run} has the weights of another network:", *report.lines()][:4]))
    compute.settle(network)
    return network


@torch.no_grad()
def untrained_network(ground: HeldOut) -> SingleUNet:
    """The network as training begins with it, on the device.

    Batch norm's statistics are those of the held-out images: fresh ones, mean 0 and variance 1, are of nothing.
    """
    torch.manual_seed(ground.settings.seed)
    network = _built(ground.settings)
    ground.compute.settle(network)
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.momentum = None  # the mean over all batches, not a moving one
    network.train()
    for _, inputs in zip(range(STATISTICS_BATCHES), ground.inputs(), strict=False):
        network(inputs.s1, inputs.s2)
    return network.eval()


def _built(settings: PretrainSettings) -> SingleUNet:
    network = network_for(settings)
    assert isinstance(network, SingleUNet)
    return network
