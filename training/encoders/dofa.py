"""DOFA: a ViT whose first convolution is made from the wavelengths of the bands (arXiv 2403.15356).

Names, shapes and arithmetic follow github.com/zhu-xlab/DOFA, wave_dynamic_layer.py and dofa_v1.py, in the present
layout of the made filters (band, row, column, width; also torchgeo 0.8's dofa.py). Files of before that correction
have the same names and shapes, and cannot be told apart; they need the filters as (width, band, row, column).
"""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, relu

from pipeline.schema.bands import S1_BANDS, S1_SCALING
from training.encoders.eight_bit import SATLAS_BANDS, eight_bit_input
from training.encoders.positions import resized, sines_and_cosines
from training.encoders.spec import InputSpec
from training.encoders.token_pyramid import VIT_LARGE, TokenPyramid, VitSize
from training.encoders.vit_specs import vit_spec

PATCH_PX: Final = 16
GRID: Final = 14
"""Patches along a side of the published embeddings: 224 px."""

WAVE_WIDTH: Final = 128
"""Length of a wavelength's embedding."""

WEIGHT_TOKENS: Final = 128
FILTER_SCALE: Final = 0.01
"""What the made filters and biases are multiplied by."""

WAVELENGTHS: Final = {
    "B4": 0.665, "B3": 0.56, "B2": 0.49, "B5": 0.705, "B6": 0.74, "B7": 0.783, "B8": 0.842, "B11": 1.61, "B12": 2.19,
    "VV": 5.405, "VH": 5.405,
}  # fmt: skip
"""Micrometres, and for Sentinel-1 the frequency in GHz in their place, as DOFA's README.md gives them."""

S2_IMAGE: Final = eight_bit_input(
    SATLAS_BANDS,
    mean=tuple(
        value / 255
        for value in (
            114.1099739, 114.81779093, 126.63977424, 84.33539309, 97.84789168, 103.94461911, 101.435633, 72.32804172,
            56.66528851,
        )
    ),
    std=tuple(
        value / 255
        for value in (
            77.84352553, 69.96844919, 67.42465279, 64.57022983, 61.72545487, 61.34187099, 60.29744676, 47.88519516,
            42.55886798,
        )
    ),
)  # fmt: skip
"""SatlasPretrain's 8-bit bands, less the mean and over the std that DOFA's README.md gives (S2_MEAN, S2_STD)."""

S1_IMAGE: Final = InputSpec(
    modality="s1",
    bands=S1_BANDS,
    low=tuple(mean - 2 * std for mean, std in zip(S1_SCALING.mean, S1_SCALING.std, strict=True)),
    high=tuple(mean + 2 * std for mean, std in zip(S1_SCALING.mean, S1_SCALING.std, strict=True)),
    clip=False,
    mean=(0.5, 0.5),
    std=(0.25, 0.25),
)
"""Decibels, less SSL4EO-S12's mean and over its std.

DOFA saw amplitudes of Sentinel-1 in 8 bits, VV before VH, standardised. No published map leads from decibels to them,
so that here the decibels themselves are standardised, as one does for a set of another kind.
"""


class WeightGenerator(nn.Module):
    """Make a filter for each wavelength, and one bias, from their embeddings."""

    def __init__(self, width: int) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(WAVE_WIDTH, nhead=4, dim_feedforward=2048, dropout=0.0, activation="gelu")
        self.transformer_encoder = nn.TransformerEncoder(layer, num_layers=1, enable_nested_tensor=False)
        self.fc_weight = nn.Linear(WAVE_WIDTH, PATCH_PX * PATCH_PX * width)
        self.fc_bias = nn.Linear(WAVE_WIDTH, width)
        self.weight_tokens = nn.Parameter(0.02 * torch.randn(WEIGHT_TOKENS, WAVE_WIDTH))
        self.bias_token = nn.Parameter(0.02 * torch.randn(1, WAVE_WIDTH))

    def forward(self, waves_CE: Tensor) -> tuple[Tensor, Tensor]:
        """Return (C, 16 * 16 * D) of filters and (D) of biases for C embedded wavelengths."""
        seen = self.transformer_encoder(torch.cat([self.weight_tokens, waves_CE, self.bias_token]))
        return self.fc_weight(seen[WEIGHT_TOKENS:-1] + waves_CE), self.fc_bias(seen[-1])


class WaveLayer(nn.Module):
    """Two linear layers beside an identity."""

    def __init__(self) -> None:
        super().__init__()
        self.w1 = nn.Linear(WAVE_WIDTH, WAVE_WIDTH)
        self.w2 = nn.Linear(WAVE_WIDTH, WAVE_WIDTH)

    def forward(self, waves_CE: Tensor) -> Tensor:
        """Return a tensor of the same shape."""
        return waves_CE + relu(self.w2(relu(self.w1(waves_CE))))


class WavePatches(nn.Module):
    """Cut an image into patches by filters that are made from its bands' wavelengths."""

    def __init__(self, width: int, wavelengths: Sequence[float]) -> None:
        super().__init__()
        self.width = width
        self.weight_generator = WeightGenerator(width)
        self.fclayer = WaveLayer()
        self.register_buffer("wavelengths", torch.tensor(wavelengths, dtype=torch.float32), persistent=False)

    def forward(self, image_BCHW: Tensor) -> Tensor:
        """Return (B, N, D)."""
        bands = image_BCHW.shape[1]
        wavelengths_C = self.get_buffer("wavelengths")
        filters, bias = self.weight_generator(self.fclayer(sines_and_cosines(WAVE_WIDTH, wavelengths_C * 1000.0)))
        filters_DCHW = filters.view(bands, PATCH_PX, PATCH_PX, self.width).permute(3, 0, 1, 2) * FILTER_SCALE
        patches_BDHW = conv2d(image_BCHW, filters_DCHW, bias=bias * FILTER_SCALE, stride=PATCH_PX, padding=1)
        return patches_BDHW.flatten(2).transpose(1, 2)


class Dofa(TokenPyramid):
    """DOFA for images of the bands of `image`."""

    def __init__(self, image: InputSpec, size: VitSize = VIT_LARGE) -> None:
        patches = WavePatches(size.width, [WAVELENGTHS[band] for band in image.bands])
        super().__init__(size, patches, bands=len(image.bands), patch_px=PATCH_PX, last_norm=False)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, size.width))
        self.register_buffer("pos_embed", torch.zeros(1, 1 + GRID * GRID, size.width))  # fixed: never trained

    def tokens(self, image_BCHW: Tensor, rows: int, columns: int) -> Tensor:
        """Return (B, 1 + rows * columns, D)."""
        first_B1D = self.cls_token.expand(len(image_BCHW), -1, -1)
        return torch.cat([first_B1D, self.patch_embed(image_BCHW)], dim=1) + resized(
            self.get_buffer("pos_embed"), rows, columns
        )


DOFA = vit_spec(
    "DOFA",
    "vit_large_patch16_224_dofa",
    {"s1": S1_IMAGE, "s2": S2_IMAGE},
    Dofa,
    "github.com/zhu-xlab/DOFA, ViT-Large/16 (arXiv 2403.15356)",
)
