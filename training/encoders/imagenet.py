"""ResNets of torchvision or timm, trained on ImageNet's photographs.

Three bands: B4, B3, B2 as an 8-bit picture, less ImageNet's mean and over its std, with the weights as they are.
Nine or thirteen bands, or Sentinel-1: the first convolution's filters of red, green and blue are repeated over the
bands in turn and scaled by 3 / bands, which is timm's rule (`timm.models.adapt_input_conv`) and so torchgeo's. B4, B3
and B2 come first, so that each has the filter of its own colour; mean and std are repeated in the same way.
"""

from pathlib import Path
from typing import Final

from timm.models import adapt_input_conv
from torch import Tensor, nn

from pipeline.schema.bands import S1_BANDS, S2_BANDS
from pipeline.schema.errors import UsageError
from training.checkpoint import KeyReport
from training.encoders.eight_bit import IMAGENET_MEAN, IMAGENET_STD, RGB, SATLAS_BANDS, eight_bit_input
from training.encoders.published import load_published
from training.encoders.random_weights import build_resnet
from training.encoders.spec import EncoderSpec, InputSpec
from training.encoders.ssl4eo_scaling import ssl4eo_input
from training.modality import Modality

BANDS: Final = {
    len(bands): bands for bands in (RGB, SATLAS_BANDS, (*RGB, *(band for band in S2_BANDS if band not in RGB)))
}
"""Bands of Sentinel-2 in the order of the widened filters, by their number."""


def _in_turn(values: tuple[float, ...], count: int) -> tuple[float, ...]:
    return tuple(values[i % len(values)] for i in range(count))


def _input(modality: Modality, s2_bands: int | None, _weights: Path | None) -> InputSpec:
    count = len(S1_BANDS) if modality == "s1" else s2_bands or len(RGB)
    mean, std = _in_turn(IMAGENET_MEAN, count), _in_turn(IMAGENET_STD, count)
    if modality == "s2":
        if count not in BANDS:
            raise UsageError(f"s2_bands is {s2_bands}, but ImageNet takes {', '.join(map(str, BANDS))}")
        return eight_bit_input(BANDS[count], mean, std)
    unit = ssl4eo_input("s1")
    return InputSpec(modality="s1", bands=unit.bands, low=unit.low, high=unit.high, clip=True, mean=mean, std=std)


def _widened(found: Tensor, wanted: Tensor) -> Tensor:
    """A first convolution for as many bands as the encoder takes; any other weight as it is."""
    others_fit = found.ndim == wanted.ndim == 4 and found.shape[2:] == wanted.shape[2:] and len(found) == len(wanted)
    if others_fit and found.shape[1] == len(RGB) != wanted.shape[1]:
        widened: Tensor = adapt_input_conv(wanted.shape[1], found)
        return widened
    return found


def _load(encoder: nn.Module, path: Path, _modality: Modality) -> KeyReport:
    return load_published(encoder, path, prefixes=("module.", ""), refit=_widened)


IMAGENET = EncoderSpec(
    name="ImageNet",
    architecture=None,
    backbone=None,
    pretrained=True,
    source="torchvision.models or timm, a ResNet's weights of ImageNet-1k under torchvision's names",
    input_of=_input,
    build_with=build_resnet,
    load=_load,
)
