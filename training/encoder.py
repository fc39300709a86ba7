"""Encoders of segmentation-models-pytorch, named as that library names them."""

import segmentation_models_pytorch as smp
from torch import nn


def build_encoder(name: str, *, bands: int, depth: int) -> nn.Module:
    """Return a randomly initialised encoder for images of `bands` bands; nothing is downloaded.

    `name`: any encoder of segmentation-models-pytorch, for example resnet50. `depth`: stages, 3..5, each of which
    halves the image. The module maps (B, bands, H, W) to depth + 1 feature maps, the image itself first, and tells
    their channels as `out_channels`. ValueError for an unknown name.
    """
    require_encoder(name)
    encoder: nn.Module = smp.encoders.get_encoder(name, in_channels=bands, depth=depth, weights=None)
    return encoder


def require_encoder(name: str) -> None:
    """Raise ValueError unless `name` is an encoder of segmentation-models-pytorch (tu-*: timm's)."""
    if not name.startswith("tu-") and name not in smp.encoders.get_encoder_names():
        raise ValueError(
            f"encoder is {name!r}: give a name that segmentation-models-pytorch lists, for example resnet50"
        )
