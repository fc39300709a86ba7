"""Crops, flips and rotations: the same for images and labels, and no label value invented."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from training.augment import (
    Augmentation,
    Placement,
    centre,
    cut_at_once,
    cut_by_sample,
    draw,
    place_images,
    place_labels,
    place_values,
)

PATCH = 40


def placement(
    crop: int = 32, top: int = 4, left: int = 4, flip_rows: bool = False, flip_columns: bool = False, angle: float = 0.0
) -> Placement:
    return Placement(
        crop_px=crop,
        top=torch.tensor([top]),
        left=torch.tensor([left]),
        flip_rows=torch.tensor([flip_rows]),
        flip_columns=torch.tensor([flip_columns]),
        angle=torch.tensor([angle]),
    )


def ramp_patch(samples: int = 1) -> Tensor:
    values = np.random.default_rng(0).integers(0, 256, size=(samples, 3, PATCH, PATCH), dtype=np.uint8)
    return torch.from_numpy(values)


@given(st.integers(0, 8), st.integers(0, 8), st.booleans(), st.booleans())
def test_crop_and_flip_are_plain_indexing(top: int, left: int, flip_rows: bool, flip_columns: bool) -> None:
    patch = ramp_patch()
    expected = patch[:, :, top : top + 32, left : left + 32]
    expected = expected.flip([d for d, flipped in ((2, flip_rows), (3, flip_columns)) if flipped])
    at = placement(32, top, left, flip_rows, flip_columns)
    assert torch.equal(place_labels(patch, at), expected)
    assert torch.equal(place_images(patch, at), expected.float() / 255)


@pytest.mark.parametrize("quarter_turns", [1, -1])
@pytest.mark.parametrize(("flip_rows", "flip_columns"), [(False, False), (True, False), (False, True), (True, True)])
def test_a_quarter_turn_about_the_centre_is_known_to_the_pixel(
    quarter_turns: int, flip_rows: bool, flip_columns: bool
) -> None:
    patch = ramp_patch()
    plain = place_labels(patch, placement(flip_rows=flip_rows, flip_columns=flip_columns))
    turned = placement(flip_rows=flip_rows, flip_columns=flip_columns, angle=quarter_turns * math.pi / 2)
    at_rest = placement(angle=quarter_turns * math.pi / 2)
    assert torch.equal(place_labels(patch, at_rest), place_labels(patch, placement()).rot90(quarter_turns, (2, 3)))
    direction = -quarter_turns if flip_rows != flip_columns else quarter_turns
    assert torch.equal(place_labels(patch, turned), plain.rot90(direction, (2, 3)))
    assert torch.allclose(place_images(patch, turned), plain.rot90(direction, (2, 3)).float() / 255, atol=1e-3)


def test_beyond_the_patch_it_is_mirrored_at_its_outer_pixels() -> None:
    patch = torch.arange(PATCH, dtype=torch.uint8).expand(1, 1, PATCH, PATCH).contiguous()
    turned = place_images(patch, placement(PATCH, 0, 0, angle=math.pi / 4)) * 255
    middle = (PATCH - 1) / 2
    offset = torch.arange(PATCH) - middle
    column = middle + (offset[None, :] - offset[:, None]) * math.cos(math.pi / 4)
    mirrored = torch.where(column < 0, -column, column)
    mirrored = torch.where(mirrored > PATCH - 1, 2 * (PATCH - 1) - mirrored, mirrored)
    assert torch.allclose(turned[0, 0], mirrored, atol=1e-3)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), values=st.lists(st.sampled_from([*range(9), 255]), min_size=1, max_size=4))
def test_no_label_value_is_invented(seed: int, values: list[int]) -> None:
    rng = np.random.default_rng(seed)
    labels = torch.from_numpy(rng.choice(np.array(values, np.uint8), size=(5, 4, PATCH, PATCH)))
    drawn = draw(Augmentation(32, 0.5, 1.0, 90.0), 5, PATCH, torch.Generator().manual_seed(seed))
    placed = place_labels(labels, drawn)
    assert placed.dtype == torch.uint8
    assert placed.shape == (5, 4, 32, 32)
    for before, after in zip(labels.flatten(0, 1), placed.flatten(0, 1), strict=True):
        assert set(after.unique().tolist()) <= set(before.unique().tolist())


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_images_and_labels_move_together(seed: int) -> None:
    """A smooth image whose pixel value is its label must still be so afterwards."""
    row = torch.arange(PATCH, dtype=torch.uint8) * 5
    patch = row[:, None].expand(PATCH, PATCH).expand(6, 2, PATCH, PATCH).contiguous()
    drawn = draw(Augmentation(32, 0.5, 0.7, 90.0), 6, PATCH, torch.Generator().manual_seed(seed))
    apart = place_images(patch, drawn) * 255 - place_labels(patch, drawn).float()
    assert apart.abs().max() <= 2.5 + 1e-3


def test_the_drawn_shares_are_those_asked_for() -> None:
    drawn = draw(Augmentation(32, 0.5, 0.2, 90.0), 20_000, PATCH, torch.Generator().manual_seed(0))
    both, rows, columns = drawn.flip_rows & drawn.flip_columns, drawn.flip_rows, drawn.flip_columns
    assert (rows | columns).float().mean().item() == pytest.approx(0.5, abs=0.02)
    for share in (both, rows & ~columns, columns & ~rows):
        assert share.float().mean().item() == pytest.approx(1 / 6, abs=0.02)
    turned = drawn.angle[drawn.angle != 0]
    assert len(turned) / 20_000 == pytest.approx(0.2, abs=0.02)
    assert turned.abs().max() <= math.pi / 2
    assert turned.mean().item() == pytest.approx(0.0, abs=0.05)
    assert drawn.top.min() == drawn.left.min() == 0
    assert drawn.top.max() == drawn.left.max() == PATCH - 32


def test_draws_follow_from_the_generator_alone() -> None:
    augmentation = Augmentation(32, 0.5, 0.5, 90.0)
    torch.manual_seed(1)
    first = draw(augmentation, 8, PATCH, torch.Generator().manual_seed(5))
    torch.manual_seed(2)
    again = draw(augmentation, 8, PATCH, torch.Generator().manual_seed(5))
    assert torch.equal(first.angle, again.angle)
    assert torch.equal(first.top, again.top)


def test_samples_are_placed_one_by_one() -> None:
    patch = ramp_patch(6)
    drawn = draw(Augmentation(32, 0.5, 0.5, 90.0), 6, PATCH, torch.Generator().manual_seed(0))
    together = place_images(patch, drawn)
    for i in range(6):
        fields = (drawn.top, drawn.left, drawn.flip_rows, drawn.flip_columns, drawn.angle)
        alone = Placement(32, *(field[i : i + 1] for field in fields))
        assert torch.allclose(place_images(patch[i : i + 1], alone)[0], together[i], atol=1e-5)


def test_the_centre_crop_is_the_centre() -> None:
    patch = ramp_patch(2)
    assert torch.equal(place_labels(patch, centre(2, 32, PATCH)), patch[:, :, 4:36, 4:36])


def test_a_crop_larger_than_the_patch_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        draw(Augmentation(64, 0.5, 0.5, 90.0), 2, PATCH, torch.Generator())


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), samples=st.integers(1, 5))
def test_both_ways_to_cut_are_one(seed: int, samples: int) -> None:
    drawn = draw(Augmentation(32, 0.7, 0.5, 90.0), samples, PATCH, torch.Generator().manual_seed(seed))
    patch = ramp_patch(samples)
    assert torch.equal(cut_by_sample(patch, drawn), cut_at_once(patch, drawn))


def test_images_come_channels_last_and_whatever_the_order_they_came_in() -> None:
    drawn = draw(Augmentation(32, 0.5, 0.5, 90.0), 4, PATCH, torch.Generator().manual_seed(0))
    patch = ramp_patch(4)
    placed = place_images(patch, drawn)
    assert placed.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(place_images(patch.contiguous(memory_format=torch.channels_last), drawn), placed)


def test_values_are_placed_as_images_are_and_keep_their_range() -> None:
    patch = ramp_patch(3)
    at = Placement(
        crop_px=24,
        top=torch.tensor([0, 5, 16]),
        left=torch.tensor([3, 0, 16]),
        flip_rows=torch.tensor([True, False, False]),
        flip_columns=torch.tensor([False, False, True]),
        angle=torch.tensor([0.0, 0.4, -1.2]),
    )
    values = patch.float() * 17.0 - 900.0
    assert torch.allclose(place_values(values, at), place_images(patch, at) * 255 * 17.0 - 900.0, atol=2e-2)


def test_no_data_that_is_zero_does_not_smear_beyond_its_neighbours() -> None:
    image = torch.ones((1, 1, PATCH, PATCH))
    image[..., 18:22, 18:22] = 0.0
    turned = place_values(image, placement(angle=0.7))
    assert float(turned.min()) >= 0.0
    assert float(turned.max()) <= 1.0 + 1e-6
