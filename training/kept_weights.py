"""The networks of a run's earlier epochs, where its settings ask to keep them."""

import re
from pathlib import Path

from torch import nn

from pipeline.schema.layout import PretrainLayout
from training.checkpoint import save_weights

_NAME = re.compile(r"weights-(\d{4,})\.safetensors")


def keep_weights(layout: PretrainLayout, network: nn.Module, *, epoch: int, every: int | None) -> None:
    """Keep the network as it is after `epoch` epochs, where that is a multiple of `every`; 0 is the network untrained.

    Safe to repeat. To be called before the checkpoint of that epoch is saved: what the checkpoint has behind it is
    then there, and what a killed run has kept beyond it is made once more.
    """
    if every is None or epoch % every:
        return
    path = layout.kept_weights(epoch)
    path.parent.mkdir(exist_ok=True)
    save_weights(network, path)


def drop_weights(layout: PretrainLayout, *, after: int) -> None:
    """Remove what was kept of later epochs than the run's checkpoint has behind it."""
    for epoch, path in kept_weights(layout).items():
        if epoch > after:
            path.unlink()


def kept_weights(layout: PretrainLayout) -> dict[int, Path]:
    """The kept files by the number of epochs that they have behind them, in that order; 0 is the network untrained."""
    found = layout.epochs.glob("weights-*.safetensors")
    epochs = {int(name[1]): path for path in found if (name := _NAME.fullmatch(path.name))}
    return dict(sorted(epochs.items()))
