"""Scale-MAE: a ViT whose positions are measured in metres on the ground (arXiv 2212.14532).

Names, shapes and arithmetic follow github.com/bair-climate-initiative/scale-mae, scalemae/models_vit.py and
scalemae/util/pos_embed.py (torchgeo 0.8's scale_mae.py computes the same). The weights are kept under model. Positions
are computed, so the file's own pos_embed is not used. Input: ImageNet's mean and std of an 8-bit picture
(mae/config/fmow.yaml).
"""

from typing import Final

import torch
from timm.layers.patch_embed import PatchEmbed
from torch import Tensor, nn

from training.encoders.eight_bit import IMAGENET_MEAN, IMAGENET_STD, RGB, eight_bit_input
from training.encoders.positions import grid_positions
from training.encoders.spec import InputSpec
from training.encoders.token_pyramid import VIT_LARGE, TokenPyramid, VitSize
from training.encoders.vit_specs import vit_spec

PATCH_PX: Final = 16

GROUND_M: Final = 10.0
"""Sampling distance of the downstream stores, metres a pixel; positions are multiplied by it (reference: 1 m)."""


class ScaleMae(TokenPyramid):
    """Scale-MAE for red, green and blue."""

    def __init__(self, size: VitSize = VIT_LARGE, *, ground_m: float = GROUND_M) -> None:
        patches = PatchEmbed(None, PATCH_PX, len(RGB), size.width, strict_img_size=False)
        super().__init__(size, patches, bands=len(RGB), patch_px=PATCH_PX, last_norm=True)
        self.ground_m = ground_m
        self.cls_token = nn.Parameter(torch.zeros(1, 1, size.width))

    def tokens(self, image_BCHW: Tensor, rows: int, columns: int) -> Tensor:
        """Return (B, 1 + rows * columns, D)."""
        place_ND = grid_positions(self.size.width, rows, columns, self.ground_m, image_BCHW.device)
        patches_BND = self.patch_embed(image_BCHW) + place_ND
        return torch.cat([self.cls_token.expand(len(image_BCHW), -1, -1), patches_BND], dim=1)


def _build(_image: InputSpec) -> nn.Module:
    return ScaleMae()


SCALE_MAE = vit_spec(
    "scaleMAE",
    "vit_large_patch16_224_scalemae",
    {"s2": eight_bit_input(RGB, IMAGENET_MEAN, IMAGENET_STD)},
    _build,
    "github.com/bair-climate-initiative/scale-mae, scalemae-vitlarge-800.pth (arXiv 2212.14532)",
)
