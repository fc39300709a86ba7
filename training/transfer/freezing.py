"""Whether an encoder learns."""

from torch import nn

from training.transfer.network import TransferNetwork
from training.transfer.settings import TransferSettings


def encoder_learns(settings: TransferSettings, epoch: int) -> bool:
    """Whether the encoder is trained in that epoch, from 0."""
    if settings.mode == "frozen-then-unfrozen":
        return settings.unfreeze_epoch is not None and epoch >= settings.unfreeze_epoch
    return settings.mode == "fine-tuned"


def set_training(network: TransferNetwork, *, encoder: bool) -> None:
    """Put the network into training mode, the encoder only where it learns.

    An encoder that does not learn runs on its stored batch norm statistics and changes none of its bits: neither
    parameters, which get no gradients and so are passed over by the optimizer, nor statistics.
    """
    network.train()
    network.encoder.train(encoder)
    _require_gradients(network.encoder, encoder)


def _require_gradients(module: nn.Module, required: bool) -> None:
    for parameter in module.parameters():
        parameter.requires_grad_(required)
