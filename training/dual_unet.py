"""Two U-Nets, one for each modality, joined late or in the middle (CromSS, Sec. III-A, Fig. 4).

Dimensions: B batch, C class or band, H row, W column. s1, s2: Sentinel-1, Sentinel-2.
Attribute names are those of the published checkpoints: they are part of the weights' names.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal, get_args

from torch import Tensor, nn

from training.encoder import build_encoder
from training.modality import MODALITIES, Modality
from training.segmenter import Segmenter
from training.unet import DECODER_CHANNELS, build_unet

Fusion = Literal["mid", "late"]


class DualUNet(Segmenter):
    """A network that segments the same place twice, from Sentinel-1 and from Sentinel-2."""

    modalities = MODALITIES

    def forward(self, s1_BCHW: Tensor, s2_BCHW: Tensor) -> dict[Modality, Tensor]:
        """Return the logits (B, classes, H, W) of either modality, S1 first.

        `s1_BCHW`, `s2_BCHW`: float images of the same H and W, scaled to 0..1.
        """
        return {"s1": self.segment_s1(s1_BCHW), "s2": self.segment_s2(s2_BCHW)}

    @abstractmethod
    def segment_s1(self, s1_BCHW: Tensor) -> Tensor:
        """Return the logits (B, classes, H, W) of Sentinel-1 alone."""

    @abstractmethod
    def segment_s2(self, s2_BCHW: Tensor) -> Tensor:
        """Return the logits (B, classes, H, W) of Sentinel-2 alone."""


class MidFusionUNet(DualUNet):
    """Two encoders that share one decoder and one head (midF).

    Either modality passes the decoder by itself, so that batch norm sees one modality at a time.
    """

    def __init__(self, encoder_s1: nn.Module, encoder_s2: nn.Module, decoder: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.encoder1 = encoder_s1
        self.encoder = encoder_s2
        self.decoder = decoder
        self.segmentation_head = head

    def segment_s1(self, s1_BCHW: Tensor) -> Tensor:
        """Return the logits (B, classes, H, W) of Sentinel-1 alone."""
        logits_BCHW: Tensor = self.segmentation_head(self.decoder(self.encoder1(s1_BCHW)))
        return logits_BCHW

    def segment_s2(self, s2_BCHW: Tensor) -> Tensor:
        """Return the logits (B, classes, H, W) of Sentinel-2 alone."""
        logits_BCHW: Tensor = self.segmentation_head(self.decoder(self.encoder(s2_BCHW)))
        return logits_BCHW


class LateFusionUNet(DualUNet):
    """Two whole U-Nets that meet in the losses only (lateF)."""

    def __init__(self, unet_s1: nn.Module, unet_s2: nn.Module) -> None:
        super().__init__()
        self.model1 = unet_s1
        self.model2 = unet_s2

    def segment_s1(self, s1_BCHW: Tensor) -> Tensor:
        """Return the logits (B, classes, H, W) of Sentinel-1 alone."""
        logits_BCHW: Tensor = self.model1(s1_BCHW)
        return logits_BCHW

    def segment_s2(self, s2_BCHW: Tensor) -> Tensor:
        """Return the logits (B, classes, H, W) of Sentinel-2 alone."""
        logits_BCHW: Tensor = self.model2(s2_BCHW)
        return logits_BCHW


def build_network(
    fusion: Fusion,
    encoder: str = "resnet50",
    decoder_channels: Sequence[int] = DECODER_CHANNELS,
    s1_bands: int = 2,
    s2_bands: int = 13,
    classes: int = 9,
) -> DualUNet:
    """Return a randomly initialised network; nothing is downloaded.

    `fusion`: 'mid' (one decoder and head for both) or 'late' (two U-Nets). `encoder`: any encoder of
    segmentation-models-pytorch. `decoder_channels`: one number for each decoder block, deepest first; their count,
    3..5, is the encoder's depth. ValueError for an unknown fusion, UsageError for an
    unknown encoder.
    """
    if fusion not in get_args(Fusion):
        raise ValueError(f"fusion is {fusion!r}: give one of {', '.join(get_args(Fusion))}")
    if fusion == "late":
        return LateFusionUNet(
            build_unet(encoder, decoder_channels, s1_bands, classes),
            build_unet(encoder, decoder_channels, s2_bands, classes),
        )
    unet_s2 = build_unet(encoder, decoder_channels, s2_bands, classes)
    encoder_s1 = build_encoder(encoder, bands=s1_bands, depth=len(decoder_channels))
    return MidFusionUNet(encoder_s1, unet_s2.encoder, unet_s2.decoder, unet_s2.segmentation_head)
