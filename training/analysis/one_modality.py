"""A network of a pretraining run as it looks at one modality alone, at images of any side.

Dimensions: B batch, C class or band, H row, W column.
"""

from collections.abc import Callable

from torch import Tensor

from training.dual_unet import DualUNet
from training.modality import Modality
from training.segmenter import Segmenter
from training.settings import STRIDE_PX
from training.transfer.padding import padded_logits


def logits_of(network: Segmenter, modality: Modality, image_BCHW: Tensor) -> Tensor:
    """Return the logits (B, classes, H, W), float32, of images that are mirrored beyond their border as needed.

    `image_BCHW`: of that modality, scaled to 0..1. ValueError where the network does not see it.
    """
    return padded_logits(_segment(network, modality), image_BCHW, STRIDE_PX).float()


def _segment(network: Segmenter, modality: Modality) -> Callable[[Tensor], Tensor]:
    if modality not in network.modalities:
        raise ValueError(f"the network sees {', '.join(network.modalities)}, not {modality}")
    if isinstance(network, DualUNet):
        return network.segment_s1 if modality == "s1" else network.segment_s2
    return lambda image_BCHW: network(image_BCHW, image_BCHW)[modality]
