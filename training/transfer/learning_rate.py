"""The learning rate of every block at every epoch."""

import math
from collections.abc import Sequence
from typing import Any

from torch import nn
from torch.optim import Adam

from training.encoders.blocks import encoder_blocks
from training.transfer.network import UNET_BLOCKS, TransferNetwork
from training.transfer.settings import TransferSettings

FACTOR = "factor"
"""Key of a parameter group: its share of the learning rate."""


def learning_rate(settings: TransferSettings, epoch: int) -> float:
    """Return the head's rate in an epoch, from 0: a cosine from the initial to the final one, then constant.

    lr(e) = final + (initial - final) (1 + cos(pi e / E)) / 2 for e < E, the cosine's epochs (CromSS, section IV).
    """
    if epoch >= settings.cosine_epochs:
        return settings.final_learning_rate
    share = (1.0 + math.cos(math.pi * epoch / settings.cosine_epochs)) / 2.0
    return settings.final_learning_rate + (settings.learning_rate - settings.final_learning_rate) * share


def parameter_groups(network: TransferNetwork, decay: float) -> list[dict[str, Any]]:
    """Return Adam's parameter groups from the head down to the encoder's stem; the d-th has the factor decay^d.

    After the head come the decoder's blocks, the last first (a decoder without numbered blocks is one), then the
    encoder's, the deepest first (block-wise decay, arXiv 2402.16164). Every parameter stands in exactly one group.
    """
    blocks = [list(network.segmentation_head.parameters())]
    parts = ((network.decoder, _decoder_blocks(network.decoder)), (network.encoder, encoder_blocks(network.encoder)))
    for part, names_by_block in parts:
        named = dict(part.named_parameters())
        blocks += [[named[name] for name in names] for names in reversed(names_by_block)]
    return [{"params": block, FACTOR: decay**depth} for depth, block in enumerate(blocks)]


def _decoder_blocks(decoder: nn.Module) -> Sequence[Sequence[str]]:
    """Names by block, the deepest first; only a U-Net's decoder is a row of blocks."""
    names = [name for name, _ in decoder.named_parameters()]
    return encoder_blocks(decoder) if all(name.startswith(UNET_BLOCKS) for name in names) else [names]


def build_optimizer(network: TransferNetwork, settings: TransferSettings, *, fused: bool) -> Adam:
    """Return Adam over all parameters; those that do not require gradients are passed over at each step."""
    groups = parameter_groups(network, settings.layer_decay)
    return Adam(groups, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=fused or None)


def set_learning_rate(optimizer: Adam, settings: TransferSettings, epoch: int) -> float:
    """Set every group's rate for an epoch, from 0; return the head's."""
    rate = learning_rate(settings, epoch)
    for group in optimizer.param_groups:
        group["lr"] = rate * group[FACTOR]
    return rate
