"""Resolution alignment augmentation: sharp images come to look like coarse ones (arXiv 2504.13458).

Dimensions: B batch, C band, H row, W column.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate


@dataclass(frozen=True)
class Alignment:
    """How images are made coarse."""

    p: float
    """Share of the images, 0..1."""
    down: tuple[float, float]
    """Range of the factor by which an image is made smaller."""
    up: tuple[float, float]
    """Range of its side after it was made larger again, over its first side; at least 1."""


def align_resolution(
    image_BCHW: Tensor, label_BHW: Tensor, alignment: Alignment, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Make some images coarse: smaller, then larger than they were, then a random crop of their first size.

    `image_BCHW`: float. `label_BHW`: uint8 classes; they are made larger by the nearest neighbour, of their full
    detail, and cropped likewise. `generator`: on the CPU. Images that are not chosen are the same bits as before.
    """
    unit_5B = torch.rand((5, len(image_BCHW)), generator=generator)
    chosen = (unit_5B[0] < alignment.p).nonzero()[:, 0].tolist()
    if not chosen:
        return image_BCHW, label_BHW
    image_BCHW, label_BHW = image_BCHW.clone(), label_BHW.clone()
    for at in chosen:
        down, up = (low + (high - low) * unit for (low, high), unit in _ranges(alignment, unit_5B[1:3, at].tolist()))
        rows, columns = _crop(image_BCHW.shape[-2:], up, unit_5B[3:, at].tolist())
        size = _scaled(image_BCHW.shape[-2:], up)
        small = interpolate(
            image_BCHW[at : at + 1], size=_scaled(image_BCHW.shape[-2:], down), mode="bilinear", antialias=True
        )
        image_BCHW[at] = interpolate(small, size=size, mode="bilinear")[0, :, rows, columns]
        label = interpolate(label_BHW[at][None, None], size=size, mode="nearest-exact")
        label_BHW[at] = label[0, 0, rows, columns]
    return image_BCHW, label_BHW


def _ranges(alignment: Alignment, units: list[float]) -> list[tuple[tuple[float, float], float]]:
    return [(alignment.down, units[0]), (alignment.up, units[1])]


def _scaled(sides: torch.Size, factor: float) -> tuple[int, int]:
    height, width = (max(1, round(side * factor)) for side in sides)
    return height, width


def _crop(sides: torch.Size, up: float, units: list[float]) -> tuple[slice, slice]:
    """Rows and columns of a crop of the first size out of the larger image."""
    larger = _scaled(sides, up)
    starts = [int(unit * (large - side + 1)) for unit, large, side in zip(units, larger, sides, strict=True)]
    rows, columns = (slice(start, start + side) for start, side in zip(starts, sides, strict=True))
    return rows, columns
