"""Encoders whose weights take one fixed image of a modality."""

from collections.abc import Callable, Mapping
from pathlib import Path

from pipeline.schema.errors import UsageError
from training.encoders.spec import InputSpec
from training.modality import Modality


def fixed_inputs(
    name: str, images: Mapping[Modality, InputSpec]
) -> Callable[[Modality, int | None, Path | None], InputSpec]:
    """Return what EncoderSpec.input_of asks for, from one image for each modality that `name` was trained on."""

    def input_of(modality: Modality, s2_bands: int | None, _weights: Path | None) -> InputSpec:
        if modality not in images:
            known = " and ".join(images)
            raise UsageError(f"modality is {modality}, but {name} was published for {known} only; take another encoder")
        image = images[modality]
        if s2_bands not in (None, len(image.bands)):
            raise UsageError(
                f"s2_bands is {s2_bands}, but the weights of {name} take {len(image.bands)}; leave s2_bands out"
            )
        return image

    return input_of
