"""What every network of a pretraining run is: images in, logits by modality out."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from training.modality import Modality


class Segmenter(nn.Module, ABC):
    """A network that segments a place from Sentinel-1, from Sentinel-2, or twice, from each by itself."""

    modalities: tuple[Modality, ...]
    """What the network learns from; an image of another modality is taken and not looked at."""

    @abstractmethod
    def forward(self, s1_BCHW: Tensor, s2_BCHW: Tensor) -> dict[Modality, Tensor]:
        """Return the logits (B, classes, H, W) of each of `modalities`, in their order.

        `s1_BCHW`, `s2_BCHW`: float images of the same H and W, scaled to 0..1.
        """
