"""SatMAE and SatMAE++: a ViT that sees ten bands of Sentinel-2 as three groups of tokens.

Names, shapes and arithmetic follow github.com/sustainlab-group/SatMAE, models_vit_group_channels.py, which
github.com/techmn/satmae_pp takes over (arXiv 2207.08051, 2403.05419): patches of 8 px, images of 96 px, B1, B9 and B10
dropped (--dropped_bands 0 9 10 in README.md), bands scaled as mean +- 2 std to 0..1 (util/datasets.py,
SentinelNormalize; the pretrained weights are kept under model). No package holds this architecture.
"""

from collections.abc import Sequence
from typing import Final

import torch
from timm.layers.patch_embed import PatchEmbed
from torch import Tensor, nn

from pipeline.schema.bands import S2_BANDS, Scaling
from training.encoders.positions import resized
from training.encoders.spec import InputSpec
from training.encoders.ssl4eo_scaling import scaled_input
from training.encoders.token_pyramid import VIT_LARGE, TokenPyramid, VitSize
from training.encoders.vit_specs import vit_spec

BANDS: Final = ("B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B11", "B12")

GROUPS: Final = ((0, 1, 2, 6), (3, 4, 5, 7), (8, 9))
"""Which of BANDS share a token: B2 B3 B4 B8 (10 m), B5 B6 B7 B8A (red edge), B11 B12 (short-wave infrared)."""

PATCH_PX: Final = 8
GRID: Final = 12
"""Patches along a side of the published embeddings: 96 px."""

GROUP_WIDTH: Final = 256
"""Part of a token's embedding that tells its group; the rest tells its place."""

FMOW_SCALING: Final = Scaling(
    bands=S2_BANDS,
    mean=(1370.19151926, 1184.3824625, 1120.77120066, 1136.26026392, 1263.73947144, 1645.40315151, 1846.87040806,
          1762.59530783, 1972.62420416, 582.72633433, 14.77112979, 1732.16362238, 1247.91870117),
    std=(633.15169573, 650.2842772, 712.12507725, 965.23119807, 948.9819932, 1108.06650639, 1258.36394548,
         1233.1492281, 1364.38688993, 472.37967789, 14.3114637, 1310.36996126, 1087.6020813),
)  # fmt: skip
"""fMoW-Sentinel's statistics (util/datasets.py, SentinelIndividualImageDataset)."""

IMAGE: Final = scaled_input("s2", FMOW_SCALING, BANDS)


class GroupVit(TokenPyramid):
    """SatMAE for images of BANDS."""

    def __init__(
        self,
        size: VitSize = VIT_LARGE,
        *,
        groups: Sequence[Sequence[int]] = GROUPS,
        group_width: int = GROUP_WIDTH,
    ) -> None:
        patches = nn.ModuleList(
            PatchEmbed(None, PATCH_PX, len(group), size.width, strict_img_size=False) for group in groups
        )
        super().__init__(size, patches, bands=sum(map(len, groups)), patch_px=PATCH_PX, last_norm=True)
        self.groups = groups
        self.cls_token = nn.Parameter(torch.zeros(1, 1, size.width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + GRID * GRID, size.width - group_width))
        self.channel_embed = nn.Parameter(torch.zeros(1, len(groups), group_width))
        self.channel_cls_embed = nn.Parameter(torch.zeros(1, 1, group_width))

    def tokens(self, image_BCHW: Tensor, rows: int, columns: int) -> Tensor:
        """Return (B, 1 + 3 * rows * columns, D), the groups one after the other."""
        place_1ND = resized(self.pos_embed, rows, columns)
        first_11D = self.cls_token + torch.cat([place_1ND[:, :1], self.channel_cls_embed], dim=2)
        tokens = [first_11D.expand(len(image_BCHW), -1, -1)]
        for number, (group, embed) in enumerate(zip(self.groups, self.patch_embed.children(), strict=True)):
            group_1ND = self.channel_embed[:, number : number + 1].expand(-1, rows * columns, -1)
            tokens.append(embed(image_BCHW[:, list(group)]) + torch.cat([place_1ND[:, 1:], group_1ND], dim=2))
        return torch.cat(tokens, dim=1)


def _build(_image: InputSpec) -> nn.Module:
    return GroupVit()


SATMAE = vit_spec(
    "satMAE",
    "vit_large_patch8_96_satmae",
    {"s2": IMAGE},
    _build,
    "github.com/sustainlab-group/SatMAE, multi-spectral ViT-Large, pretrain-vit-large-e199.pth (arXiv 2207.08051)",
)

SATMAE_PP = vit_spec(
    "satMAE++",
    "vit_large_patch8_96_satmae",
    {"s2": IMAGE},
    _build,
    "github.com/techmn/satmae_pp, ViT-Large pretrained on FMoW-Sentinel (arXiv 2403.05419)",
)
