"""What transfer must know of an encoder: the image it takes, how it is built, and how its weights are read.

Dimensions: B batch, C band, H row, W column. Raw values: Sentinel-2 L1C digital numbers (reflectance x 10,000 without
the baseline offset) and Sentinel-1 GRD in dB, as the downstream stores keep them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from pipeline.schema.bands import S1_NODATA, S2_NODATA
from pipeline.schema.errors import UsageError
from training.checkpoint import KeyReport
from training.modality import Modality


@dataclass(frozen=True)
class InputSpec:
    """The image that an encoder was trained on: its bands in order, and how their raw values become its input.

    A raw value x becomes ((x - low) / (high - low) - mean) / std; with `clip`, what stands before the mean is first
    clipped to 0..1. Raises ValueError where a figure is missing or a range or a std is empty.
    """

    modality: Modality
    bands: tuple[str, ...]
    """Names of schema/bands.py, in the order that the encoder takes them."""
    low: tuple[float, ...]
    """Per band, the raw value that becomes 0."""
    high: tuple[float, ...]
    """Per band, the raw value that becomes 1."""
    clip: bool
    """Whether values are then clipped to 0..1."""
    mean: tuple[float, ...]
    """Per band, taken off after that."""
    std: tuple[float, ...]
    """Per band, divided by at last."""

    def __post_init__(self) -> None:
        """Check the figures."""
        for name in ("low", "high", "mean", "std"):
            if len(getattr(self, name)) != len(self.bands):
                raise ValueError(f"expected a {name} for each of {', '.join(self.bands)}")
        if not all(low < high for low, high in zip(self.low, self.high, strict=True)) or not all(
            s > 0 for s in self.std
        ):
            raise ValueError(f"a band of {', '.join(self.bands)} has no range or no std to be divided by")

    def prepare(self, raw_BCHW: Tensor, stored: Sequence[str]) -> Tensor:
        """Return the encoder's input (B, len(bands), H, W), float32, on the device of `raw_BCHW`.

        `raw_BCHW`: raw values of the bands named in `stored`, any number type. A pixel that was not observed, which
        is 0 in every stored band of Sentinel-2, or -9999 or NaN in a band of Sentinel-1, becomes 0: the
        lowest value of encoders that take 0..1, the mean of those that take standardised values.
        UsageError where a band is not stored; ValueError where `stored` does not name the bands of `raw_BCHW`.
        """
        if raw_BCHW.ndim != 4 or raw_BCHW.shape[1] != len(stored):
            raise ValueError(f"expected (B, {len(stored)}, H, W) of raw values, got shape {tuple(raw_BCHW.shape)}")
        if absent := [band for band in self.bands if band not in stored]:
            raise UsageError(
                f"the encoder takes {', '.join(absent)}, which the store does not hold: it has {', '.join(stored)};"
                " take another encoder, or a store with these bands"
            )
        index = torch.tensor([list(stored).index(band) for band in self.bands], device=raw_BCHW.device)
        taken_BCHW = raw_BCHW.index_select(1, index).float()
        if self.modality == "s1":
            void_BCHW = ~torch.isfinite(taken_BCHW) | (taken_BCHW <= S1_NODATA)
        else:
            void_BCHW = (raw_BCHW == S2_NODATA).all(dim=1, keepdim=True)
        low, high, mean, std = (
            torch.tensor(values, device=raw_BCHW.device)[:, None, None]
            for values in (self.low, self.high, self.mean, self.std)
        )
        unit_BCHW = (taken_BCHW - low) / (high - low)
        if self.clip:
            unit_BCHW = unit_BCHW.clamp(0.0, 1.0)
        return ((unit_BCHW - mean) / std).masked_fill(void_BCHW, 0.0)


@dataclass(frozen=True)
class EncoderSpec:
    """An encoder of the comparison. The module that `build` returns is like one of segmentation-models-pytorch.

    It maps (B, bands, H, W) to depth + 1 feature maps, the image itself first, each half as wide as the one before,
    and tells their channels as `out_channels`.
    """

    name: str
    """As the paper's tables call it."""
    architecture: str | None
    """The encoder of segmentation-models-pytorch that it is, or a vit_*; None: whichever the user names."""
    backbone: str | None
    """The architecture as the paper's tables call it; None as above."""
    pretrained: bool
    """Whether it needs a file of weights."""
    source: str
    """Where its weights and its normalisation are published, in one line."""
    input_of: Callable[[Modality, int | None, Path | None], InputSpec]
    """Of a modality, a wanted number of Sentinel-2 bands (None: the encoder's own) and the file of weights."""
    build_with: Callable[[InputSpec, str, int], nn.Module]
    """Of an input, the architecture and the depth (stages, 3..5), with random weights."""
    load: Callable[[nn.Module, Path, Modality], KeyReport]
    """Copy the weights of a local file into such a module and tell which; UsageError as `load_weights` raises it."""

    def input_for(self, modality: Modality, s2_bands: int | None = None, weights: Path | None = None) -> InputSpec:
        """Return the input of the encoder; UsageError where it takes no such modality or number of bands."""
        return self.input_of(modality, s2_bands if modality == "s2" else None, weights)

    def build(self, image: InputSpec, *, encoder: str = "resnet50", depth: int = 5) -> nn.Module:
        """Return the encoder with random weights for images of `image`; nothing is downloaded.

        `encoder`: its architecture where `architecture` is None. UsageError for an unknown one.
        """
        return self.build_with(image, self.architecture or encoder, depth)
