"""A vision transformer as an encoder of segmentation-models-pytorch: four of its layers, at strides 4, 8, 16, 32.

Dimensions: B batch, C channel, H row, W column, G groups of tokens at one place, N tokens, D width.
"""

from abc import abstractmethod
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final, cast

from timm.models.vision_transformer import Block
from torch import Tensor, nn
from torch.nn.functional import interpolate

STRIDES: Final = (4, 8, 16, 32)
"""Of the feature maps, pixels; what UPerNet's decoder takes (arXiv 1807.10221)."""

LAYER_NORM: Final = cast(type[nn.Module], partial(nn.LayerNorm, eps=1e-6))
"""As all of MAE's descendants set it."""


@dataclass(frozen=True)
class VitSize:
    """The size of a vision transformer."""

    width: int
    """Length of a token."""
    depth: int
    """Layers, at least 4."""
    heads: int
    """Attention heads of a layer; divides the width."""


VIT_LARGE: Final = VitSize(width=1024, depth=24, heads=16)


class TokenPyramid(nn.Module):
    """The layers of a vision transformer; how an image becomes tokens is its descendants' matter.

    Layers d/4, d/2, 3d/4 and d of d become feature maps at strides 4, 8, 16 and 32. Resizing is bilinear, without
    weights of its own, so that a frozen encoder holds nothing untrained. Tokens of several groups at one place are
    averaged. Parameters have the published names, which are MAE's.
    """

    output_stride: ClassVar[int] = STRIDES[-1]
    """Sides of an image are multiples of this, pixels."""

    def __init__(self, size: VitSize, patches: nn.Module, *, bands: int, patch_px: int, last_norm: bool) -> None:
        super().__init__()
        self.size = size
        self.patch_px = patch_px
        self.out_channels = (bands, 0, *(size.width for _ in STRIDES))
        self.patch_embed = patches
        self.blocks = nn.ModuleList(
            Block(size.width, size.heads, mlp_ratio=4.0, qkv_bias=True, norm_layer=LAYER_NORM)
            for _ in range(size.depth)
        )
        self.norm = LAYER_NORM(size.width) if last_norm else nn.Identity()
        self._layers = tuple(round(size.depth * quarter / len(STRIDES)) for quarter in range(1, len(STRIDES) + 1))

    @abstractmethod
    def tokens(self, image_BCHW: Tensor, rows: int, columns: int) -> Tensor:
        """Return (B, 1 + G * rows * columns, D), positions added: a class token, then the patches of every group."""

    def forward(self, image_BCHW: Tensor) -> list[Tensor]:
        """Return the image, an empty map at stride 2, and (B, D, H / stride, W / stride) at strides 4, 8, 16, 32.

        ValueError where a side is no multiple of 32.
        """
        batch, _, height, width = image_BCHW.shape
        if height % self.output_stride or width % self.output_stride:
            raise ValueError(f"expected sides that {self.output_stride} divides, got {height} x {width} pixels")
        rows, columns = height // self.patch_px, width // self.patch_px
        tokens_BND = self.tokens(image_BCHW, rows, columns)
        features = [image_BCHW, image_BCHW.new_empty((batch, 0, height // 2, width // 2))]
        for layer, block in enumerate(self.blocks, start=1):
            tokens_BND = block(tokens_BND)
            if layer not in self._layers:
                continue
            shown_BND = self.norm(tokens_BND) if layer == self.size.depth else tokens_BND
            stride = STRIDES[len(features) - 2]
            map_BDHW = as_map(shown_BND, rows, columns)
            target = (height // stride, width // stride)
            features.append(interpolate(map_BDHW, size=target, mode="bilinear", align_corners=False))
        return features


def as_map(tokens_BND: Tensor, rows: int, columns: int) -> Tensor:
    """Return (B, D, rows, columns) of the patches' tokens, averaged over their groups; the class token is left out."""
    batch, _, width = tokens_BND.shape
    groups_BGND = tokens_BND[:, 1:].reshape(batch, -1, rows * columns, width)
    return groups_BGND.mean(dim=1).transpose(1, 2).reshape(batch, width, rows, columns)
