"""Sentinel-2 as the 8-bit pictures on which SatlasPretrain, DOFA, ScaleMAE and ImageNet's networks were trained.

B4, B3 and B2 as in ESA's true-colour image, whose 255 is digital number 3558 of L1C (Sentinel-2 user guide,
definitions, "True Colour Image"); every other band divided by 8160, whose 255 is then 32 each. Both clipped to 0..1
(github.com/allenai/satlas, Normalization.md). Values are not rounded to 8 bits here.
"""

from collections.abc import Sequence
from typing import Final

from training.encoders.spec import InputSpec

RGB: Final = ("B4", "B3", "B2")
"""Red, green, blue."""

SATLAS_BANDS: Final = (*RGB, "B5", "B6", "B7", "B8", "B11", "B12")
"""Nine bands in SatlasPretrain's order, which is DOFA's too."""

IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
"""Of red, green and blue in 0..1."""

IMAGENET_STD: Final = (0.229, 0.224, 0.225)
"""Of red, green and blue in 0..1."""

TRUE_COLOUR_255: Final = 3558.0
OTHER_255: Final = 8160.0


def eight_bit_input(
    bands: Sequence[str], mean: Sequence[float] | None = None, std: Sequence[float] | None = None
) -> InputSpec:
    """Return the input of these bands of Sentinel-2 in 0..1, then less `mean` and over `std` where they are given."""
    return InputSpec(
        modality="s2",
        bands=tuple(bands),
        low=(0.0,) * len(bands),
        high=tuple(TRUE_COLOUR_255 if band in RGB else OTHER_255 for band in bands),
        clip=True,
        mean=(0.0,) * len(bands) if mean is None else tuple(mean),
        std=(1.0,) * len(bands) if std is None else tuple(std),
    )
