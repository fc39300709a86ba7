"""Encoders that start from nothing: the rows called random."""

from pathlib import Path

from torch import nn

from pipeline.schema.errors import UsageError
from training.checkpoint import KeyReport
from training.encoder import build_encoder
from training.encoders.spec import EncoderSpec, InputSpec
from training.encoders.ssl4eo_scaling import ssl4eo_input
from training.modality import Modality


def build_resnet(image: InputSpec, encoder: str, depth: int) -> nn.Module:
    """Return an encoder of segmentation-models-pytorch for images of `image`, with random weights."""
    return build_encoder(encoder, bands=len(image.bands), depth=depth)


def _input(modality: Modality, s2_bands: int | None, _weights: Path | None) -> InputSpec:
    return ssl4eo_input(modality, s2_bands)


def _load(_encoder: nn.Module, path: Path, _modality: Modality) -> KeyReport:
    raise UsageError(f"{path}: random weights are not read from a file; leave it out, or name the encoder it holds")


RANDOM = EncoderSpec(
    name="random",
    architecture=None,
    backbone=None,
    pretrained=False,
    source="none; SSL4EO-S12's scaling, as CromSS scales its own input (arXiv 2405.01217, section IV)",
    input_of=_input,
    build_with=build_resnet,
    load=_load,
)
