"""Class probabilities of whole tiles: in windows that overlap, and seen flipped and at other scales where asked.

Dimensions: B batch, C class or band, H row, W column.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate, softmax

Forward = Callable[[Tensor], Tensor]
"""Float images (B, C, H, W) of any side to logits (B, classes, H, W)."""

FLIPS: tuple[tuple[int, ...], ...] = ((), (-1,), (-2,), (-1, -2))
"""Axes that are flipped: none, left-right, upside down, both."""


@dataclass(frozen=True)
class Viewing:
    """How a tile is looked at."""

    window_px: int | None
    """Side of a window; None: the whole tile at once."""
    overlap: float
    """Share of a window's side that it has in common with the next, 0..below 1."""
    flips: bool
    """Whether each window is seen in all four of FLIPS."""
    scales: tuple[float, ...]
    """Factors by which each window is resized before it is seen."""


def tile_probabilities(forward: Forward, image_BCHW: Tensor, viewing: Viewing) -> Tensor:
    """Return the class probabilities (B, classes, H, W), float32, sum 1: the mean over all windows and views.

    `forward`: a network in evaluation mode.
    """
    height, width = image_BCHW.shape[-2:]
    total_BCHW: Tensor | None = None
    seen_HW = torch.zeros((height, width), device=image_BCHW.device)
    for rows, columns in _windows(height, width, viewing):
        p_BCHW = _view(forward, image_BCHW[..., rows, columns], viewing)
        if total_BCHW is None:
            total_BCHW = p_BCHW.new_zeros((len(p_BCHW), p_BCHW.shape[1], height, width))
        total_BCHW[..., rows, columns] += p_BCHW
        seen_HW[rows, columns] += 1
    assert total_BCHW is not None
    return total_BCHW / seen_HW


def window_starts(side_px: int, window_px: int, overlap: float) -> list[int]:
    """Return where windows begin along a side: evenly, the last one moved back to end with the side."""
    if window_px >= side_px:
        return [0]
    step = max(1, round(window_px * (1.0 - overlap)))
    return [*range(0, side_px - window_px, step), side_px - window_px]


def _windows(height: int, width: int, viewing: Viewing) -> Iterator[tuple[slice, slice]]:
    tall, wide = (min(viewing.window_px or side, side) for side in (height, width))
    for top in window_starts(height, tall, viewing.overlap):
        for left in window_starts(width, wide, viewing.overlap):
            yield slice(top, top + tall), slice(left, left + wide)


def _view(forward: Forward, image_BCHW: Tensor, viewing: Viewing) -> Tensor:
    """The mean of the probabilities over flips and scales."""
    views = []
    for scale in viewing.scales:
        for axes in FLIPS if viewing.flips else FLIPS[:1]:
            logits_BCHW = forward(_resized(image_BCHW, scale).flip(axes))
            p_BCHW = softmax(logits_BCHW.float(), dim=1).flip(axes)
            views.append(_back(p_BCHW, image_BCHW))
    return views[0] if len(views) == 1 else torch.stack(views).mean(dim=0)


def _resized(image_BCHW: Tensor, scale: float) -> Tensor:
    if scale == 1.0:
        return image_BCHW
    height, width = (max(1, round(side * scale)) for side in image_BCHW.shape[-2:])
    return interpolate(image_BCHW, size=(height, width), mode="bilinear", align_corners=False, antialias=scale < 1)


def _back(p_BCHW: Tensor, image_BCHW: Tensor) -> Tensor:
    if p_BCHW.shape[-2:] == image_BCHW.shape[-2:]:
        return p_BCHW
    return interpolate(p_BCHW, size=image_BCHW.shape[-2:], mode="bilinear", align_corners=False)
