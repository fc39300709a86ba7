"""The state of a repeat between two epochs: everything that going on bit for bit needs.

Order, crops, augmentation and dropout of an epoch follow from its seed and number, so no random state is kept.
"""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim import Adam

from pipeline.schema.errors import NoldoError
from training.checkpoint import KeyReport
from training.diverged import all_finite, diverged
from training.torch_file import write_torch
from training.transfer.learning_rate import build_optimizer
from training.transfer.loading import load_pretrained
from training.transfer.network import TransferNetwork, build_transfer_network
from training.transfer.setup import Setup

DROPOUT_STREAM = 6
"""Tells the random numbers that training draws by itself from others of the same seed."""


@dataclass(frozen=True)
class SeedState:
    """What training changes."""

    network: TransferNetwork
    optimizer: Adam


def new_seed_state(setup: Setup, seed: int) -> tuple[SeedState, KeyReport | None]:
    """Return a network, its random part drawn from the seed and the rest loaded, and what was loaded."""
    torch.manual_seed(seed)
    network = build_transfer_network(setup.form, setup.spec, setup.image, len(setup.train.classes))
    report = load_pretrained(network, setup)
    setup.compute.settle(network)
    optimizer = build_optimizer(network, setup.settings, fused=setup.compute.device.type == "cuda")
    return SeedState(network, optimizer), report


def begin_epoch(seed: int, epoch: int) -> None:
    """Seed what dropout and its like draw from."""
    state = np.random.SeedSequence([seed, DROPOUT_STREAM, epoch]).generate_state(1)
    torch.manual_seed(int(state[0]))


def save_seed_state(path: Path, state: SeedState, epochs: int) -> None:
    """Commit the state after `epochs` epochs; NoldoError, the last one kept, where a number is not finite any more."""
    content: dict[str, Any] = {
        "epochs": epochs,
        "network": state.network.state_dict(),
        "optimizer": state.optimizer.state_dict(),
    }
    if not all_finite([content["network"], content["optimizer"]["state"]]):
        raise diverged(f"epoch {epochs}: weights are no finite numbers any more", path)
    write_torch(path, content)


def load_seed_state(path: Path, state: SeedState) -> int:
    """Put a checkpoint's content into `state`; return how many epochs it has behind it.

    Raises NoldoError where the file is damaged or belongs to another network.
    """
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        state.network.load_state_dict(content["network"])
        state.optimizer.load_state_dict(content["optimizer"])
        return int(content["epochs"])
    except (RuntimeError, ValueError, LookupError, TypeError, EOFError, OSError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NoldoError(f"{path} cannot be resumed from: {reason}\nDelete it to train its repeat anew.") from error
