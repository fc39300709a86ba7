"""Encoders of segmentation-models-pytorch, named as that library names them."""

from difflib import get_close_matches

import segmentation_models_pytorch as smp
import timm
from torch import nn

from pipeline.schema.errors import UsageError

TIMM_PREFIX = "tu-"
"""What segmentation-models-pytorch puts before the name of a model of timm."""


def build_encoder(name: str, *, bands: int, depth: int) -> nn.Module:
    """Return a randomly initialised encoder for images of `bands` bands; nothing is downloaded.

    `name`: any encoder of segmentation-models-pytorch, for example resnet50. `depth`: stages, 3..5, each of which
    halves the image. The module maps (B, bands, H, W) to depth + 1 feature maps, the image itself first, and tells
    their channels as `out_channels`. UsageError for an unknown name.
    """
    require_encoder(name)
    encoder: nn.Module = smp.encoders.get_encoder(name, in_channels=bands, depth=depth, weights=None)
    return encoder


def require_encoder(name: str) -> None:
    """Raise UsageError, with names like it, unless `name` is an encoder of the library, or tu- and a model of timm."""
    if name.startswith(TIMM_PREFIX):
        known = timm.is_model(name.removeprefix(TIMM_PREFIX))
    else:
        known = name in smp.encoders.get_encoder_names()
    if known:
        return
    candidates = [*smp.encoders.get_encoder_names(), *(TIMM_PREFIX + model for model in timm.list_models())]
    near = get_close_matches(name, candidates, n=3) or ["resnet50"]
    raise UsageError(
        f"encoder is {name!r}, which segmentation-models-pytorch does not know; give another, such as {', '.join(near)}"
    )
