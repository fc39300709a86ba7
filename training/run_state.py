"""The state of a run between two epochs: everything that going on bit for bit needs."""

import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.optim import Adam
from torch.optim.lr_scheduler import ReduceLROnPlateau

from pipeline.schema.errors import NoldoError
from training.compute import Compute
from training.network import network_for
from training.segmenter import Segmenter
from training.settings import PretrainSettings


@dataclass(frozen=True)
class RunState:
    """What training changes. Order, seasons and augmentation follow from seed and epoch, so they need no state."""

    network: Segmenter
    optimizer: Adam
    scheduler: ReduceLROnPlateau


def new_state(settings: PretrainSettings, compute: Compute) -> RunState:
    """A fresh network, its initial weights drawn from the seed, with Adam and the plateau schedule of the paper."""
    torch.manual_seed(settings.seed)
    network = network_for(settings)
    compute.settle(network)
    optimizer = Adam(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    scheduler = ReduceLROnPlateau(
        optimizer, mode="min", patience=settings.plateau_patience, factor=settings.plateau_factor
    )
    return RunState(network, optimizer, scheduler)


def save_state(path: Path, state: RunState, epochs_done: int) -> None:
    """Commit a checkpoint: written under another name, then renamed over the last one."""
    content = {
        "epochs_done": epochs_done,
        "network": state.network.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "scheduler": state.scheduler.state_dict(),
        "cpu_random": torch.get_rng_state(),
        "gpu_random": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def load_state(path: Path, state: RunState, compute: Compute) -> int:
    """Put a checkpoint's content into `state`; return how many epochs it has behind it.

    Raises NoldoError where the file is damaged or belongs to another network.
    """
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        state.network.load_state_dict(content["network"])
        state.optimizer.load_state_dict(content["optimizer"])
        state.scheduler.load_state_dict(content["scheduler"])
        torch.set_rng_state(content["cpu_random"])
        if compute.device.type == "cuda" and len(content["gpu_random"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(content["gpu_random"])
        return int(content["epochs_done"])
    except (RuntimeError, ValueError, LookupError, TypeError, EOFError, OSError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NoldoError(f"{path} cannot be resumed from: {reason}\nDelete it to start anew.") from error
