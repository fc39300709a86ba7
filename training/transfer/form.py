"""The shape of a run's network, settled from what the settings, the source and the weights say of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.schema.errors import UsageError
from pipeline.schema.layout import PretrainLayout
from training.encoders.spec import EncoderSpec
from training.json_file import read_json
from training.settings import ENCODER_STAGES
from training.transfer.settings import Framework, TransferSettings
from training.unet import DECODER_CHANNELS

PSPNET_STAGES: Final = 3
"""Stages of the encoder that smp's PSPNet uses by default: its pyramid stands on features of 1/8 of the image."""

DEFAULT_ENCODER: Final = "resnet50"
"""The encoder of the paper, where neither settings nor weights name one."""


@dataclass(frozen=True)
class Form:
    """What a network is built from, beside its bands and classes."""

    framework: Framework
    encoder: str
    """By its name in segmentation-models-pytorch, or a vit_* of training.encoders."""
    depth: int
    """Stages of the encoder, 3..5."""
    decoder_channels: tuple[int, ...] | None
    """Of a U-Net's decoder blocks, the deepest first; None for other frameworks."""


def settle_form(settings: TransferSettings, spec: EncoderSpec, weights: Path | None) -> Form:
    """Return the form of the network; UsageError where settings, source and weights contradict each other.

    What the settings leave open is the source's; of a pretraining run of this project, what its run.json beside the
    weights says: the encoder, and the decoder's channels where the decoder is taken too.
    """
    stated = pretraining_of(weights)
    encoder = _encoder(settings, spec, stated.get("encoder"))
    depth = settings.encoder_depth or (PSPNET_STAGES if settings.framework == "pspnet" else ENCODER_STAGES)
    if settings.framework != "unet":
        return Form(settings.framework, encoder, depth, None)
    taken = stated.get("decoder_channels") if settings.load != "encoder" else None
    channels = settings.decoder_channels or (tuple(taken) if taken else DECODER_CHANNELS[:depth])
    if settings.encoder_depth is not None and len(channels) != settings.encoder_depth:
        raise UsageError(
            f"decoder_channels has {len(channels)} numbers, but encoder_depth is {depth}; give as many as stages"
        )
    return Form(settings.framework, encoder, len(channels), channels)


def backbone_name(spec: EncoderSpec, form: Form) -> str:
    """What tables call the encoder's architecture, for example ResNet50."""
    if spec.backbone is not None:
        return spec.backbone
    plain = form.encoder.removeprefix("tu-")
    return plain.replace("resnet", "ResNet") if plain.startswith("resnet") else plain


def _encoder(settings: TransferSettings, spec: EncoderSpec, pretrained: str | None) -> str:
    known = spec.architecture or pretrained
    if known is not None and settings.encoder not in (None, known):
        raise UsageError(
            f"encoder is {settings.encoder!r}, but the weights of {spec.name} are of {known!r}; "
            "leave encoder out, or give other weights"
        )
    return known or settings.encoder or DEFAULT_ENCODER


def pretraining_of(weights: Path | None) -> Mapping[str, Any]:
    """Settings of the pretraining run that the weights lie in; empty where they lie in none."""
    if weights is None:
        return {}
    record = PretrainLayout(weights.parent).record
    settings = read_json(record).get("settings") if record.exists() else None
    return settings if isinstance(settings, Mapping) else {}
