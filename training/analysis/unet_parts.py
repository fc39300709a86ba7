"""One modality's U-Net out of the weights of any network of a pretraining or transfer run.

Names are then those of smp.Unet whatever the network was: encoder., decoder., segmentation_head.
"""

from collections.abc import Mapping
from typing import Final, Literal

from torch import Tensor

from training.checkpoint import PREFIX
from training.modality import Modality
from training.settings import PretrainSettings

Part = Literal["encoder", "decoder"]

PARTS: Final[tuple[Part, ...]] = ("encoder", "decoder")

SHARED: Final = ("decoder.", "segmentation_head.")
"""What the modalities have in common where they are fused in the middle."""


def modalities_of(settings: PretrainSettings) -> tuple[Modality, ...]:
    """The modalities that a run's network sees, S1 first."""
    return ("s1", "s2") if settings.modalities == "both" else (settings.modalities,)


def unet_weights(weights: Mapping[str, Tensor], settings: PretrainSettings, modality: Modality) -> dict[str, Tensor]:
    """Return the weights that one modality's image passes, by the names of smp.Unet.

    `weights`: by published name (see training.checkpoint). Middle fusion: the decoder is the one that both share.
    ValueError for a modality that the network does not see.
    """
    if modality not in modalities_of(settings):
        raise ValueError(f"the network sees {settings.modalities}, not {modality}")
    plain = {name.removeprefix(PREFIX): tensor for name, tensor in weights.items()}
    if settings.modalities != "both":
        return plain
    if settings.fusion == "late":
        return _below(plain, "model1." if modality == "s1" else "model2.")
    encoder = _below(plain, "encoder1." if modality == "s1" else "encoder.")
    shared = {name: tensor for name, tensor in plain.items() if name.startswith(SHARED)}
    return {**{f"encoder.{name}": tensor for name, tensor in encoder.items()}, **shared}


def part_of(name: str) -> Part | None:
    """Whether a weight of smp.Unet's naming is the encoder's or the decoder's; None: the head's."""
    return next((part for part in PARTS if name.startswith(f"{part}.")), None)


def _below(weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in weights.items() if name.startswith(prefix)}
