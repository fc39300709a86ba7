"""Files of network weights: names and tensors, as safetensors or as torch and Lightning write them.

Of torch's files only plain data is read (`weights_only=True`): no code in them is run.
"""

import argparse
import hashlib
import os
import pickle
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from pipeline.schema.errors import UsageError

SAFETENSORS_SUFFIX: Final = ".safetensors"
LIGHTNING_SUFFIX: Final = ".ckpt"
TORCH_SUFFIXES: Final = (LIGHTNING_SUFFIX, ".pt", ".pth")

LIGHTNING_KEY: Final = "state_dict"
"""Under what a Lightning checkpoint keeps the weights."""

LIGHTNING_VERSION: Final = "2.0.0"
"""What our .ckpt files give as the version that wrote them; that one and later ones read them."""


def file_sha256(path: Path) -> str:
    """SHA-256 of a file in hexadecimal; UsageError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}); give a file of weights") from error


def read_weights(path: Path, within: Sequence[str] = (LIGHTNING_KEY,)) -> dict[str, Tensor]:
    """Return the tensors in `path` by name, on the CPU.

    `path`: .safetensors, or .ckpt, .pt or .pth as torch writes them, either a state_dict or a checkpoint that holds
    one under the first of the keys `within` that it has. UsageError where the file is missing, unreadable, or holds
    something else.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file; give the path of a network's weights")
    if path.suffix == SAFETENSORS_SUFFIX:
        try:
            return load_file(path)
        except SafetensorError as error:
            raise UsageError(f"{path}: not a whole safetensors file ({error}); fetch it again") from error
    if path.suffix in TORCH_SUFFIXES:
        return _read_torch(path, within)
    raise UsageError(f"{path}: give a {SAFETENSORS_SUFFIX}, {' or '.join(TORCH_SUFFIXES)} file")


def write_weights(weights: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors by name, in one rename: to a .safetensors file, or to a .ckpt that Lightning reads.

    The .ckpt holds what `LightningModule.load_from_checkpoint` asks for: the state_dict and Lightning's version.
    ValueError for another suffix.
    """
    if path.suffix not in (SAFETENSORS_SUFFIX, LIGHTNING_SUFFIX):
        raise ValueError(f"weights go to a {SAFETENSORS_SUFFIX} or {LIGHTNING_SUFFIX} file, not to {path}")
    # Memory of one's own, row-major: safetensors takes no other, and a view would drag its whole storage along.
    plain = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in weights.items()
    }
    if path.suffix == SAFETENSORS_SUFFIX:
        _commit(path, lambda file: save_file(plain, file, metadata={"format": "pt"}))
        return
    content = {LIGHTNING_KEY: plain, "pytorch-lightning_version": LIGHTNING_VERSION, "epoch": 0, "global_step": 0}
    _commit(path, lambda file: torch.save(content, file))


def _commit(path: Path, write: Callable[[Path], Any]) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        write(partial)
        with partial.open("rb") as file:
            os.fsync(file.fileno())  # on the disk before its name is: what is saved later relies on it
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _read_torch(path: Path, within: Sequence[str]) -> dict[str, Tensor]:
    try:
        # The published checkpoints carry their command line's options beside the weights.
        with torch.serialization.safe_globals([argparse.Namespace]):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise UsageError(
            f"{path}: torch cannot read it as plain weights ({_reason(error)}); "
            "fetch it again, or save its state_dict alone"
        ) from error
    held = (content[key] for key in within if key in content) if isinstance(content, dict) else iter([None])
    weights = next(held, content)
    if not isinstance(weights, dict) or not weights:
        raise UsageError(f"{path}: holds no state_dict; give a file of network weights")
    if strangers := [str(name) for name, value in weights.items() if not isinstance(value, Tensor)]:
        raise UsageError(f"{path}: {', '.join(strangers)} are no tensors; give a file of network weights")
    return dict(weights)


def _reason(error: Exception) -> str:
    """One line; the name of the refused object where there is one."""
    refused = re.search(r"Unsupported (?:global|class|operand).*?(?=\.\s|\.?$)", str(error), re.MULTILINE)
    if refused:
        return refused[0]
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
