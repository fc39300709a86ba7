"""Network weights on disk, under the names of the published CromSS checkpoints.

Those are the names of the network's own state_dict behind the prefix 'net.', under which the published Lightning
module kept its network. Written as safetensors; read from safetensors or from .ckpt and .pt files of torch.
"""

import argparse
import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pipeline.schema.errors import UsageError

PREFIX = "net."
"""Stands before every published name."""
SAFETENSORS_SUFFIX = ".safetensors"
TORCH_SUFFIXES = (".ckpt", ".pt", ".pth")


@dataclass(frozen=True)
class KeyReport:
    """Which weights a file gave a network; published names, each tuple sorted."""

    loaded: tuple[str, ...]
    """In both: now the network's."""
    missing: tuple[str, ...]
    """In the network only: left as they were."""
    unexpected: tuple[str, ...]
    """In the file only: not used."""


def save_weights(network: nn.Module, path: Path) -> None:
    """Write every parameter and buffer of the bare network to a safetensors file, in one rename.

    ValueError unless `path` ends in .safetensors.
    """
    if path.suffix != SAFETENSORS_SUFFIX:
        raise ValueError(f"weights go to a {SAFETENSORS_SUFFIX} file, not to {path}")
    weights = {
        PREFIX + name: tensor.detach().cpu().contiguous().clone() for name, tensor in network.state_dict().items()
    }
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        save_file(weights, partial, metadata={"format": "pt"})
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def load_weights(network: nn.Module, path: Path) -> KeyReport:
    """Copy the weights in `path` into `network` and tell what was loaded and what was not.

    `path`: .safetensors, or .ckpt, .pt or .pth as torch writes them, either a state_dict or a Lightning checkpoint
    that holds one. Of torch's files only plain data is read: no code in them is run. The prefix may be missing.
    UsageError where the file is missing or unreadable, or a weight has another shape; the network is then unchanged.
    """
    found = _with_prefix(_read(path))
    wanted = {PREFIX + name: tensor for name, tensor in network.state_dict().items()}
    loaded = sorted(found.keys() & wanted.keys())
    misfits = [name for name in loaded if found[name].shape != wanted[name].shape]
    if misfits:
        details = ", ".join(f"{name} {list(found[name].shape)}, not {list(wanted[name].shape)}" for name in misfits)
        raise UsageError(
            f"{path}: {len(misfits)} weights are of another shape than the network's: {details};"
            " build the network with the bands, classes, encoder and fusion of the weights"
        )
    network.load_state_dict({name.removeprefix(PREFIX): found[name] for name in loaded}, strict=False)
    return KeyReport(
        loaded=tuple(loaded),
        missing=tuple(sorted(wanted.keys() - found.keys())),
        unexpected=tuple(sorted(found.keys() - wanted.keys())),
    )


def _with_prefix(weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    if any(name.startswith(PREFIX) for name in weights):
        return weights
    return {PREFIX + name: tensor for name, tensor in weights.items()}


def _read(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise UsageError(f"{path}: no such file; give the path of a network's weights")
    if path.suffix == SAFETENSORS_SUFFIX:
        try:
            return load_file(path)
        except SafetensorError as error:
            raise UsageError(f"{path}: not a whole safetensors file ({error}); fetch it again") from error
    if path.suffix in TORCH_SUFFIXES:
        return _read_torch(path)
    raise UsageError(f"{path}: give a {SAFETENSORS_SUFFIX}, {' or '.join(TORCH_SUFFIXES)} file")


def _read_torch(path: Path) -> Mapping[str, Tensor]:
    try:
        # The published checkpoints carry their command line's options beside the weights.
        with torch.serialization.safe_globals([argparse.Namespace]):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        reason = str(error).strip().splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(
            f"{path}: torch cannot read it as plain weights ({reason}); fetch it again, or save its state_dict alone"
        ) from error
    weights = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(weights, dict) or not weights:
        raise UsageError(f"{path}: holds no state_dict; give a file of network weights")
    if strangers := [str(name) for name, value in weights.items() if not isinstance(value, Tensor)]:
        raise UsageError(f"{path}: {', '.join(strangers)} are no tensors; give a file of network weights")
    return weights
