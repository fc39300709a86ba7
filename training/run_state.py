"""The state of a run between two steps: everything that going on bit for bit needs."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim import Adam
from torch.optim.lr_scheduler import ReduceLROnPlateau

from pipeline.schema.errors import NoldoError
from training.compute import Compute
from training.diverged import all_finite, diverged
from training.network import network_for
from training.segmenter import Segmenter
from training.settings import PretrainSettings
from training.torch_file import write_torch
from training.under_way import UnderWay
from training.world import ALONE, World

GENERAL_STREAM = 4
"""Tells the default random numbers of processes beyond the first from others drawn of the same seed."""


@dataclass(frozen=True)
class RunState:
    """What training changes, the same on every process."""

    network: Segmenter
    optimizer: Adam
    scheduler: ReduceLROnPlateau


def new_state(settings: PretrainSettings, compute: Compute, world: World = ALONE) -> RunState:
    """A fresh network, its initial weights drawn from the seed, with Adam and the plateau schedule of the paper."""
    torch.manual_seed(settings.seed)
    network = network_for(settings)
    compute.settle(network)
    # One kernel for all parameters instead of some for each; torch takes it on a GPU only where it is asked for.
    fused = True if compute.device.type == "cuda" else None
    optimizer = Adam(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=fused)
    scheduler = ReduceLROnPlateau(
        optimizer, mode="min", patience=settings.plateau_patience, factor=settings.plateau_factor
    )
    if not world.first:
        own = np.random.SeedSequence([settings.seed, GENERAL_STREAM, world.rank]).generate_state(1)
        torch.manual_seed(int(own[0]))
    return RunState(network, optimizer, scheduler)


def save_state(path: Path, state: RunState, under_way: UnderWay, world: World = ALONE) -> None:
    """Commit a checkpoint: written by rank 0 under another name, then renamed over the last one.

    Every process must call it at the same step. Raises NoldoError, and keeps the last checkpoint, where a loss, a
    weight or a moment of the optimizer is no finite number.
    """
    processes = world.every({**under_way.saved(), **_random_state()})
    world.from_first(lambda: _write(path, state, processes))


def load_state(path: Path, state: RunState, compute: Compute, world: World = ALONE) -> UnderWay:
    """Put a checkpoint's content into `state`; return the epoch that it was taken in.

    Raises NoldoError where the file is damaged, or belongs to another network or another number of processes.
    """
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        processes = content["processes"]
        if len(processes) != world.size:
            raise NoldoError(f"{path} is of {len(processes)} processes, not {world.size}; start as many as before")
        state.network.load_state_dict(content["network"])
        state.optimizer.load_state_dict(content["optimizer"])
        state.scheduler.load_state_dict(content["scheduler"])
        own = processes[world.rank]
        under_way = UnderWay.restored(own, compute.device)
        torch.set_rng_state(own["cpu_random"])
        if compute.device.type == "cuda" and own["gpu_random"] is not None:
            torch.cuda.set_rng_state(own["gpu_random"], compute.device)
    except (RuntimeError, ValueError, LookupError, TypeError, EOFError, OSError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NoldoError(f"{path} cannot be resumed from: {reason}\nDelete it to start anew.") from error
    return under_way


def _random_state() -> dict[str, Tensor | None]:
    """Of torch's default generators, which dropout and its like draw from."""
    gpu = torch.cuda.is_available() and torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return {"cpu_random": torch.get_rng_state(), "gpu_random": torch.cuda.get_rng_state() if gpu else None}


def _write(path: Path, state: RunState, processes: list[dict[str, Any]]) -> None:
    content: dict[str, Any] = {
        "network": state.network.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "scheduler": state.scheduler.state_dict(),
        "processes": processes,
    }
    if not all_finite([content["network"], content["optimizer"]["state"], [p["sums"] for p in processes]]):
        epoch, step = processes[0]["epoch"] + 1, processes[0]["steps"]
        raise diverged(f"epoch {epoch}, after step {step}: weights or losses are no finite numbers any more", path)
    write_torch(path, content)
