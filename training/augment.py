"""Random crop, flip and rotation of whole batches on the device, the same for S1, S2 and all label maps.

Tensors carry their dimensions: B samples, S seasons, C bands, H rows, W columns; P is the stored patch's side.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from training.to_device import to_device

IMAGE_MAX = 255.0
"""Stored images are uint8; the network sees them divided by this (CromSS, section IV)."""


@dataclass(frozen=True)
class Augmentation:
    """How samples are varied."""

    crop_px: int
    flip_p: float
    """Share of samples flipped, 0..1: left-right, upside down or both, each as likely."""
    rotation_p: float
    """Share of samples rotated, 0..1."""
    rotation_max_deg: float
    """Rotations are uniform within plus and minus this, degrees."""


@dataclass(frozen=True)
class Placement:
    """Where each sample's crop lies in its patch; one row a sample, on the CPU."""

    crop_px: int
    top: Tensor
    """int64: first row of the crop."""
    left: Tensor
    """int64: first column of the crop."""
    flip_rows: Tensor
    """bool: upside down."""
    flip_columns: Tensor
    """bool: left-right."""
    angle: Tensor
    """float32, radians, counter-clockwise as the image is seen; 0 where not rotated."""


def draw(augmentation: Augmentation, samples: int, patch_px: int, generator: torch.Generator) -> Placement:
    """Draw every sample's placement from `generator` alone (a CPU generator).

    Raises ValueError where the crop is larger than the patch.
    """
    if augmentation.crop_px > patch_px:
        raise ValueError(f"a crop of {augmentation.crop_px} px does not fit into a patch of {patch_px} px")
    unit_6B = torch.rand((6, samples), generator=generator)
    room = patch_px - augmentation.crop_px + 1
    flipped_B = unit_6B[2] < augmentation.flip_p
    axis_B = (unit_6B[3] * 3).long()
    rotated_B = unit_6B[4] < augmentation.rotation_p
    angle_B = torch.deg2rad((2 * unit_6B[5] - 1) * augmentation.rotation_max_deg)
    return Placement(
        crop_px=augmentation.crop_px,
        top=(unit_6B[0] * room).long(),
        left=(unit_6B[1] * room).long(),
        flip_rows=flipped_B & (axis_B != 1),
        flip_columns=flipped_B & (axis_B != 0),
        angle=torch.where(rotated_B, angle_B, 0.0),
    )


def centre(samples: int, crop_px: int, patch_px: int) -> Placement:
    """The centre crop of every sample, neither flipped nor rotated."""
    offset_B = torch.full((samples,), (patch_px - crop_px) // 2)
    no_B = torch.zeros(samples, dtype=torch.bool)
    return Placement(crop_px, offset_B, offset_B, no_B, no_B, torch.zeros(samples))


def place_images(image_BCHW: Tensor, placement: Placement) -> Tensor:
    """uint8 (B, C, P, P) -> float32 (B, C, crop, crop) in 0..1, channels last.

    Rotated samples are interpolated bilinearly.
    """
    return place_values(image_BCHW, placement).div_(IMAGE_MAX)


def place_values(image_BCHW: Tensor, placement: Placement) -> Tensor:
    """uint8 or float32 (B, C, P, P) -> float32 (B, C, crop, crop) of the same values, channels last.

    Rotated samples are interpolated bilinearly, so that an image with pixels of no data must hold there already what
    the network is to see: raw no-data values would smear into their neighbours.
    """
    # Reordered while a value is still what it was stored as, one byte at best.
    placed_BCHW = _cut(image_BCHW, placement).contiguous(memory_format=torch.channels_last).float()
    _turn(placed_BCHW, image_BCHW, placement, "bilinear")
    return placed_BCHW


def place_labels(labels_BSHW: Tensor, placement: Placement) -> Tensor:
    """uint8 (B, S, P, P) -> uint8 (B, S, crop, crop); rotated samples take the nearest pixel's class."""
    placed_BSHW = _cut(labels_BSHW, placement)
    _turn(placed_BSHW, labels_BSHW, placement, "nearest")
    return placed_BSHW


def _turn(placed_BCHW: Tensor, stack_BCHW: Tensor, placement: Placement, mode: str) -> None:
    """Put the rotated samples in the place of their crops."""
    rotated = placement.angle.nonzero()[:, 0]
    if not len(rotated):
        return
    chosen = to_device(rotated, stack_BCHW.device)
    turned_BCHW = _rotate(stack_BCHW[chosen].float(), placement, rotated, mode)
    placed_BCHW[chosen] = turned_BCHW.to(placed_BCHW.dtype)


def _lines(placement: Placement) -> tuple[Tensor, Tensor]:
    """Source rows (B, crop) and source columns (B, crop) of each output row and column, before rotation."""
    step = torch.arange(placement.crop_px)
    back = step.flip(0)
    rows = placement.top[:, None] + torch.where(placement.flip_rows[:, None], back, step)
    columns = placement.left[:, None] + torch.where(placement.flip_columns[:, None], back, step)
    return rows, columns


def _cut(stack_BCHW: Tensor, placement: Placement) -> Tensor:
    cut = cut_by_sample if stack_BCHW.device.type == "cpu" else cut_at_once
    return cut(stack_BCHW, placement)


def cut_by_sample(stack_BCHW: Tensor, placement: Placement) -> Tensor:
    """Crop and flip sample by sample: (B, C, P, P) -> (B, C, crop, crop). On a CPU this copies rows whole."""
    px = placement.crop_px
    cut_BCHW = stack_BCHW.new_empty((*stack_BCHW.shape[:2], px, px))
    corners = zip(placement.top.tolist(), placement.left.tolist(), strict=True)
    flips = zip(placement.flip_rows.tolist(), placement.flip_columns.tolist(), strict=True)
    for sample, ((top, left), flipped) in enumerate(zip(corners, flips, strict=True)):
        crop_CHW = stack_BCHW[sample, :, top : top + px, left : left + px]
        cut_BCHW[sample] = crop_CHW.flip([axis for axis, flip in zip((1, 2), flipped, strict=True) if flip])
    return cut_BCHW


def cut_at_once(stack_BCHW: Tensor, placement: Placement) -> Tensor:
    """The same as `cut_by_sample` in one kernel, for a GPU, where each sample's own would cost a launch."""
    device = stack_BCHW.device
    samples, bands = stack_BCHW.shape[:2]
    rows, columns = (to_device(line, device) for line in _lines(placement))
    sample = torch.arange(samples, device=device)[:, None, None, None]
    band = torch.arange(bands, device=device)[None, :, None, None]
    return stack_BCHW[sample, band, rows[:, None, :, None], columns[:, None, None, :]]


def _rotate(stack_BCHW: Tensor, placement: Placement, chosen: Tensor, mode: str) -> Tensor:
    """Sample the chosen crops, turned about their centres; beyond the patch it is mirrored at its outer pixels."""
    device = stack_BCHW.device
    rows, columns = (to_device(line[chosen].float(), device) for line in _lines(placement))
    mid_row, mid_column = rows.mean(1)[:, None, None], columns.mean(1)[:, None, None]
    down = rows[:, :, None] - mid_row
    right = columns[:, None, :] - mid_column
    angle = to_device(placement.angle[chosen], device)[:, None, None]
    source_column = mid_column + right * angle.cos() - down * angle.sin()
    source_row = mid_row + right * angle.sin() + down * angle.cos()
    last = stack_BCHW.shape[-1] - 1
    grid_BHW2 = torch.stack((source_column, source_row), dim=-1) * (2.0 / last) - 1.0
    return grid_sample(stack_BCHW, grid_BHW2, mode=mode, padding_mode="reflection", align_corners=True)
