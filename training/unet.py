"""A U-Net of segmentation-models-pytorch with random weights, from which the networks are put together."""

from collections.abc import Sequence
from typing import Any

import segmentation_models_pytorch as smp

from training.encoder import require_encoder

DECODER_CHANNELS = (256, 128, 64, 32, 16)
"""Channels of the five decoder blocks, deepest first (the default of segmentation-models-pytorch's Unet)."""


def build_unet(encoder: str, decoder_channels: Sequence[int], bands: int, classes: int) -> Any:
    """Return a randomly initialised smp.Unet; nothing is downloaded.

    `decoder_channels`: one number for each decoder block, deepest first; their count, 3..5, is the encoder's depth.
    UsageError for an unknown encoder.
    """
    require_encoder(encoder)
    return smp.Unet(
        encoder_name=encoder,
        encoder_depth=len(decoder_channels),
        encoder_weights=None,
        decoder_channels=tuple(decoder_channels),
        in_channels=bands,
        classes=classes,
    )
