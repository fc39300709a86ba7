"""A network's weights under the names of the published CromSS checkpoints.

Those are the names of the network's own state_dict behind the prefix 'net.', under which the published Lightning
module kept its network. Middle fusion: net.encoder1 (S1), net.encoder (S2), net.decoder, net.segmentation_head. Late
fusion: net.model1 (S1), net.model2 (S2). One modality: net.encoder, net.decoder, net.segmentation_head.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from pipeline.schema.errors import UsageError
from training.weight_files import read_weights, write_weights

PREFIX = "net."
"""Stands before every published name."""


@dataclass(frozen=True)
class KeyReport:
    """Which weights a file gave a network; published names, each tuple sorted."""

    loaded: tuple[str, ...]
    """In both: now the network's."""
    missing: tuple[str, ...]
    """In the network only: left as they were."""
    unexpected: tuple[str, ...]
    """In the file only: not used."""

    def lines(self) -> list[str]:
        """For a person: how many were loaded, then every other one by its name."""
        counted = f"{len(self.loaded)} weights loaded, {len(self.missing)} missing, {len(self.unexpected)} unexpected"
        missing = [f"  missing, left as it was: {name}" for name in self.missing]
        return [counted, *missing, *(f"  unexpected, not used: {name}" for name in self.unexpected)]


def save_weights(network: nn.Module, path: Path) -> None:
    """Write every parameter and buffer of the bare network under its published name, in one rename.

    `path` ends in .safetensors, or in .ckpt for a checkpoint that Lightning and the published code read; ValueError
    otherwise.
    """
    write_weights(published_weights(network), path)


def published_weights(network: nn.Module) -> dict[str, Tensor]:
    """The network's parameters and buffers by published name."""
    return {PREFIX + name: tensor for name, tensor in network.state_dict().items()}


def load_weights(network: nn.Module, path: Path, *, part: str = "") -> KeyReport:
    """Copy the weights in `path` into `network` and tell what was loaded and what was not.

    `path`: .safetensors, .ckpt, .pt or .pth (see `read_weights`); the prefix may be missing. `part`: where the file's
    network has a part of that name, as late fusion has model1 and model2, it alone is looked at.
    UsageError where the file is missing or unreadable, where a weight has another shape, or where no name is the
    network's; the network is then unchanged.
    """
    found, wanted = _part_of(_with_prefix(read_weights(path)), part), published_weights(network)
    loaded = sorted(found.keys() & wanted.keys())
    misfits = [name for name in loaded if found[name].shape != wanted[name].shape]
    if misfits:
        details = ", ".join(f"{name} {list(found[name].shape)}, not {list(wanted[name].shape)}" for name in misfits)
        raise UsageError(
            f"{path}: {len(misfits)} weights are of another shape than the network's: {details};"
            " build the network with the bands, classes, encoder and fusion of the weights"
        )
    if not loaded:
        raise UsageError(
            f"{path}: none of its {len(found)} weights has a name of the network's: it has {_first(found)}, the network"
            f" {_first(wanted)}; build the network with the modalities, encoder and fusion of the weights"
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


def _part_of(weights: Mapping[str, Tensor], part: str) -> Mapping[str, Tensor]:
    inside = f"{PREFIX}{part}."
    found = {PREFIX + name.removeprefix(inside): tensor for name, tensor in weights.items() if name.startswith(inside)}
    return found or weights


def _first(weights: Mapping[str, Tensor]) -> str:
    return f"{min(weights)}, ..." if weights else "nothing"
