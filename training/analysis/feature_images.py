"""The same images for every encoder whose features are compared.

They come from a pretraining store, whose uint8 are turned back into raw values: digital numbers and dB, clipped and in
256 steps as the store has them. Each encoder then takes them in its own way.
Dimensions: B batch, C band, H row, W column.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pipeline.schema.bands import S1_BANDS, S1_SCALING, S2_BANDS, S2_SCALING
from training.analysis.feature_variance import StageVariance, feature_variance
from training.analysis.held_out import drawn_plans
from training.analysis.run_data import RunData
from training.augment import IMAGE_MAX
from training.compute import Compute
from training.loader import read_batches
from training.modality import Modality
from training.settings import STRIDE_PX


@dataclass(frozen=True)
class ImageEncoder:
    """An encoder and how it takes raw images."""

    name: str
    modality: Modality
    module: nn.Module
    """In evaluation mode, on the device; maps images to feature maps, the image itself first."""
    prepare: Callable[[Tensor], Tensor]
    """Raw float32 (B, all bands of the modality, H, W) on the CPU to the encoder's input on the CPU."""


@dataclass(frozen=True)
class EncoderVariance:
    """One encoder's curves."""

    name: str
    modality: Modality
    stages: tuple[StageVariance, ...]


@dataclass(frozen=True)
class VariancePoint:
    """One point of a curve, as it is written down."""

    encoder: str
    modality: Modality
    level: str
    stage: int
    channels: int
    samples: int
    component: int
    """k, from 1 on."""
    accumulated: float
    """Share of the variance that the first k components hold, 0..1."""


def encoder_variance(encoder: ImageEncoder, data: RunData, compute: Compute, *, patches: int) -> EncoderVariance:
    """Show an encoder up to `patches` patches of a store, the same for every encoder, and sum its features up."""

    def images() -> Iterator[Tensor]:
        for raw_BCHW in raw_patches(data, encoder.modality, patches):
            # The centre, of a side that five halvings divide, so that no encoder sees mirrored pixels.
            side = raw_BCHW.shape[-1] // STRIDE_PX * STRIDE_PX
            at = (raw_BCHW.shape[-1] - side) // 2
            cut_BCHW = raw_BCHW[..., at : at + side, at : at + side]
            yield encoder.prepare(cut_BCHW).to(compute.device)

    return EncoderVariance(encoder.name, encoder.modality, tuple(feature_variance(encoder.module, images())))


def raw_patches(data: RunData, modality: Modality, patches: int) -> Iterator[Tensor]:
    """Raw float32 (B, C, P, P) of patches of the store, drawn as drawn_plans draws them."""
    store, plans = data.store, drawn_plans(data, patches)
    published = S1_SCALING if modality == "s1" else S2_SCALING
    low, span = (store.scaling[modality] if store.scaling else published).low_and_span()
    for batch in read_batches(store, plans, pin=False):
        stored_BCHW = (batch.s1 if modality == "s1" else batch.s2).double()
        raw_BCHW = (
            stored_BCHW / IMAGE_MAX * torch.from_numpy(span)[:, None, None] + torch.from_numpy(low)[:, None, None]
        )
        yield raw_BCHW.float()


def bands_of(modality: Modality) -> tuple[str, ...]:
    """The bands of raw_patches."""
    return S1_BANDS if modality == "s1" else S2_BANDS


def points(found: list[EncoderVariance]) -> list[VariancePoint]:
    """All curves, point by point."""
    return [
        VariancePoint(e.name, e.modality, s.level, s.stage, s.channels, s.samples, k, value)
        for e in found
        for s in e.stages
        for k, value in enumerate(s.accumulated, start=1)
    ]
