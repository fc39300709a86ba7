"""What the published vision transformers have in common as encoders of the comparison."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from torch import nn

from pipeline.schema.errors import UsageError
from training.checkpoint import KeyReport
from training.encoders.one_input import fixed_inputs
from training.encoders.published import load_published
from training.encoders.spec import EncoderSpec, InputSpec
from training.encoders.token_pyramid import STRIDES
from training.modality import Modality

DEPTH: Final = len(STRIDES) + 1
"""Stages as segmentation-models-pytorch counts them: strides 2 to 32."""


def vit_spec(
    name: str,
    architecture: str,
    images: Mapping[Modality, InputSpec],
    build: Callable[[InputSpec], nn.Module],
    source: str,
) -> EncoderSpec:
    """Return the spec of a ViT-Large; `build` makes it for an image, with random weights."""

    def build_with(image: InputSpec, _encoder: str, depth: int) -> nn.Module:
        if depth != DEPTH:
            raise UsageError(
                f"{name} is a vision transformer, whose features go with {DEPTH} stages, not {depth};"
                " set framework to upernet and leave encoder_depth out"
            )
        return build(image)

    def load(encoder: nn.Module, path: Path, _modality: Modality) -> KeyReport:
        return load_published(encoder, path, prefixes=("module.", "encoder.", ""))

    return EncoderSpec(
        name=name,
        architecture=architecture,
        backbone="ViT-Large",
        pretrained=True,
        source=source,
        input_of=fixed_inputs(name, images),
        build_with=build_with,
        load=load,
    )
