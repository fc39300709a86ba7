"""What a network starts from: the encoder of a file of weights, and more of it where a run asks for that.

Beyond the encoder only a U-Net's decoder and head can be taken, as this project's pretraining leaves them: under
net.decoder and net.segmentation_head, in late fusion under net.model1 (Sentinel-1) and net.model2 (Sentinel-2).
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from torch import Tensor

from pipeline.schema.errors import UsageError
from training.checkpoint import PREFIX, KeyReport
from training.modality import Modality
from training.transfer.network import UNET_BLOCKS, TransferNetwork
from training.transfer.setup import Setup
from training.weight_files import read_weights

LATE_FUSION: Final[Mapping[Modality, str]] = {"s1": "model1.", "s2": "model2."}
"""What stands before the names of a modality's own U-Net."""

DECODER, HEAD = "decoder.", "segmentation_head."

_BLOCK: Final = re.compile(re.escape(DECODER + UNET_BLOCKS) + r"(\d+)\.")


def load_pretrained(network: TransferNetwork, setup: Setup) -> KeyReport | None:
    """Copy what the run asks for of its weights into the network; None where it starts from nothing.

    UsageError where the file does not hold it, or in another shape.
    """
    if setup.weights is None:
        return None
    report = setup.spec.load(network.encoder, setup.weights, setup.settings.modality)
    if setup.settings.load == "encoder":
        return report
    return _with_decoder(network, setup, setup.weights, report)


def _with_decoder(network: TransferNetwork, setup: Setup, path: Path, report: KeyReport) -> KeyReport:
    """Take blocks of the decoder too, and the head where all is asked for; add to what `report` tells of the encoder.

    Loaded and missing weights are told by the network's names, unexpected ones by the file's, as the encoder's are.
    """
    before, found = decoder_weights(read_weights(path), setup.settings.modality)
    if not found:
        raise UsageError(
            f"{path} holds no U-Net's decoder for {setup.settings.modality}, which load '{setup.settings.load}' takes; "
            "give the weights of a pretraining run, or set load to encoder"
        )
    own = {name: tensor for name, tensor in network.state_dict().items() if name.startswith((DECODER, HEAD))}
    asked = {name for name in own if _asked(name, setup.settings.load)}
    taken = {name: _fitting(name, found[name], own[name], setup) for name in sorted(asked & found.keys())}
    if lacking := sorted(asked - found.keys()):
        raise UsageError(
            f"{path} lacks {len(lacking)} weights that load '{setup.settings.load}' takes, {lacking[0]} first; "
            "set decoder_channels to those of the weights, or take less"
        )
    network.load_state_dict({**network.state_dict(), **taken})
    used = {before + name for name in taken}
    return KeyReport(
        loaded=tuple(sorted((*report.loaded, *taken))),
        missing=tuple(sorted((*report.missing, *(own.keys() - taken.keys())))),
        unexpected=tuple(sorted({*report.unexpected} - used)),
    )


def decoder_weights(weights: Mapping[str, Tensor], modality: Modality) -> tuple[str, dict[str, Tensor]]:
    """Return what stands before the names of a modality's decoder and head in a file, and both by shorter names."""
    for prefix in ("", PREFIX):
        for before in (prefix, prefix + LATE_FUSION[modality]):
            parts = tuple(before + part for part in (DECODER, HEAD))
            found = {name.removeprefix(before): w for name, w in weights.items() if name.startswith(parts)}
            if found:
                return before, found
    return "", {}


def _asked(name: str, load: str) -> bool:
    if load == "all" or load == "all-but-head":
        return load == "all" or not name.startswith(HEAD)
    block = _BLOCK.match(name)
    return block is not None and int(block[1]) < int(load.removeprefix("encoder+"))


def _fitting(name: str, found: Tensor, wanted: Tensor, setup: Setup) -> Tensor:
    """A weight in the network's shape; DFC2020's classes are the first eight of those that a head was pretrained on."""
    if name.startswith(HEAD) and setup.train.label_name == "dfc" and found.shape[1:] == wanted.shape[1:]:
        found = found[: len(wanted)]
    if found.shape == wanted.shape:
        return found
    change = (
        f"this set has {len(wanted)} classes; set load to all-but-head"
        if name.startswith(HEAD)
        else "set decoder_channels to those of the weights, or take less"
    )
    raise UsageError(f"{setup.weights}: {name} is {list(found.shape)}, the network's {list(wanted.shape)}; {change}")
