"""One U-Net for one modality: the paper's single-modal pretraining (CromSS, Sec. IV).

Dimensions: B batch, C class or band, H row, W column.
Attribute names are those of smp.Unet, and so the weights' names.
"""

from collections.abc import Sequence
from typing import get_args

from torch import Tensor, nn

from training.modality import Modality
from training.segmenter import Segmenter
from training.unet import DECODER_CHANNELS, build_unet


class SingleUNet(Segmenter):
    """A U-Net that looks at one modality and leaves the other's image alone."""

    def __init__(self, modality: Modality, encoder: nn.Module, decoder: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.modalities = (modality,)
        self.encoder = encoder
        self.decoder = decoder
        self.segmentation_head = head

    def forward(self, s1_BCHW: Tensor, s2_BCHW: Tensor) -> dict[Modality, Tensor]:
        """Return the logits (B, classes, H, W) of the one modality.

        `s1_BCHW`, `s2_BCHW`: float images scaled to 0..1, of which the other modality's is not used.
        """
        (modality,) = self.modalities
        image_BCHW = s1_BCHW if modality == "s1" else s2_BCHW
        return {modality: self.segmentation_head(self.decoder(self.encoder(image_BCHW)))}


def build_single(
    modality: Modality,
    encoder: str = "resnet50",
    decoder_channels: Sequence[int] = DECODER_CHANNELS,
    bands: int = 13,
    classes: int = 9,
) -> SingleUNet:
    """Return a randomly initialised network for one modality; nothing is downloaded.

    `encoder`, `decoder_channels`: as `training.unet.build_unet` takes them, with its errors. `bands`: of that
    modality's images. ValueError for an unknown modality.
    """
    if modality not in get_args(Modality):
        raise ValueError(f"modality is {modality!r}: give one of {', '.join(get_args(Modality))}")
    unet = build_unet(encoder, decoder_channels, bands, classes)
    return SingleUNet(modality, unet.encoder, unet.decoder, unet.segmentation_head)
