"""How evenly an encoder spreads its features: accumulated PCA variance ratio of each stage (Fig. 13).

Per image: of a stage's features averaged over the image. Per pixel: of those at some of its pixels, drawn at random.
Dimensions: B images, C channels, H rows, W columns, N samples.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor, nn

Level = Literal["image", "pixel"]

LEVELS: Final[tuple[Level, ...]] = ("image", "pixel")

PIXELS_AN_IMAGE: Final = 64
"""Pixels of each stage's feature map that are drawn from an image; all of them where it has fewer."""


@dataclass(frozen=True)
class StageVariance:
    """One stage of an encoder."""

    level: Level
    stage: int
    """From 1, the one that halves the image, on."""
    channels: int
    samples: int
    """Images or pixels, N."""
    accumulated: tuple[float, ...]
    """Share of the variance that the first k principal components hold, for k = 1..min(N, C); ends at 1."""


class Covariance:
    """Covariance of samples that come in parts; float64 on the CPU, memory of C x C whatever their number."""

    def __init__(self, channels: int) -> None:
        self.samples = 0
        self.channels = channels
        self._sum_C = torch.zeros(channels, dtype=torch.float64)
        self._outer_CC = torch.zeros((channels, channels), dtype=torch.float64)
        self._origin_C: Tensor | None = None

    def add(self, sample_NC: Tensor) -> None:
        """Count samples (N, C) of any float type."""
        values_NC = sample_NC.detach().double().cpu()
        if self._origin_C is None:
            self._origin_C = values_NC.mean(0)  # near the mean, so that little is lost when squares are taken off
        values_NC = values_NC - self._origin_C
        self.samples += len(values_NC)
        self._sum_C += values_NC.sum(0)
        self._outer_CC += values_NC.T @ values_NC

    def accumulated_variance(self) -> Tensor:
        """Return (min(N, C),) float64: cumulative share of the variance, principal components in falling order.

        As sklearn.decomposition.PCA's explained_variance_ratio_, summed up. All 1 where nothing varies. ValueError
        for fewer than two samples.
        """
        if self.samples < 2:
            raise ValueError(f"{self.samples} samples have no variance; at least 2 are needed")
        mean_C = self._sum_C / self.samples
        covariance_CC = self._outer_CC / self.samples - torch.outer(mean_C, mean_C)
        variance_C = torch.linalg.eigvalsh(covariance_CC).clamp_min(0.0).flip(0)
        variance_K = variance_C[: min(self.samples, len(variance_C))]
        total = variance_K.sum()
        return variance_K.cumsum(0) / total if total > 0.0 else torch.ones_like(variance_K)


@torch.no_grad()
def feature_variance(encoder: nn.Module, images: Iterable[Tensor], seed: int = 0) -> list[StageVariance]:
    """Return the accumulated variance of every stage, per image and per pixel.

    `encoder`: in evaluation mode; maps (B, bands, H, W) to feature maps, the image itself first, as those of
    segmentation-models-pytorch do. `images`: batches as the encoder takes them, on its device. Which pixels are drawn
    follows from `seed`. ValueError for fewer than two images.
    """
    generator = torch.Generator().manual_seed(seed)
    gathered: dict[tuple[Level, int], Covariance] = {}
    for image_BCHW in images:
        for stage, feature_BCHW in enumerate(encoder(image_BCHW)[1:], start=1):
            feature_BPC = feature_BCHW.float().flatten(2).transpose(1, 2)
            per_level: dict[Level, Tensor] = {"image": feature_BPC.mean(1), "pixel": _drawn(feature_BPC, generator)}
            for level, sample_NC in per_level.items():
                gathered.setdefault((level, stage), Covariance(sample_NC.shape[1])).add(sample_NC)
    return [
        StageVariance(level, stage, found.channels, found.samples, tuple(found.accumulated_variance().tolist()))
        for (level, stage), found in sorted(gathered.items())
    ]


def _drawn(feature_BPC: Tensor, generator: torch.Generator) -> Tensor:
    """Some pixels of each image, each pixel once at most: (N, C)."""
    images, pixels, channels = feature_BPC.shape
    if pixels <= PIXELS_AN_IMAGE:
        return feature_BPC.reshape(-1, channels)
    order_BP = torch.rand((images, pixels), generator=generator).argsort(1)[:, :PIXELS_AN_IMAGE]
    index_BNC = order_BP.to(feature_BPC.device).unsqueeze(2).expand(-1, -1, channels)
    return feature_BPC.gather(1, index_BNC).reshape(-1, channels)
