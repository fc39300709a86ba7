"""Windows, flips and scales: every pixel seen, and the mean of what was seen."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import avg_pool2d, softmax

from training.transfer.predict import Viewing, tile_probabilities, window_starts

WHOLE = Viewing(window_px=None, overlap=0.0, flips=False, scales=(1.0,))


def local(image: Tensor) -> Tensor:
    """A network that looks at a pixel and its neighbours, with a preference for what lies to the left."""
    return avg_pool2d(image, 3, stride=1, padding=1) + 0.3 * image.roll(1, -1)


@given(side=st.integers(1, 700), window=st.integers(1, 700), overlap=st.floats(0.0, 0.9))
def test_windows_cover_a_side_and_end_with_it(side: int, window: int, overlap: float) -> None:
    starts = window_starts(side, window, overlap)
    window = min(window, side)
    covered = {px for start in starts for px in range(start, start + window)}
    assert covered == set(range(side))
    assert starts == sorted(set(starts))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999), window=st.integers(4, 30), overlap=st.sampled_from([0.0, 0.25, 0.5]))
def test_windows_are_averaged_by_probability(seed: int, window: int, overlap: float) -> None:
    image = torch.randn((2, 3, 21, 26), generator=torch.Generator().manual_seed(seed))
    total, seen = torch.zeros_like(image), torch.zeros_like(image)
    for top in window_starts(21, window, overlap):
        for left in window_starts(26, window, overlap):
            part = (..., slice(top, top + window), slice(left, left + window))
            total[part] += softmax(local(image[part]), dim=1)
            seen[part] += 1
    found = tile_probabilities(local, image, Viewing(window, overlap, False, (1.0,)))
    assert torch.allclose(found, total / seen, atol=1e-6)
    assert torch.allclose(found.sum(1), torch.ones(2, 21, 26), atol=1e-5)


def test_the_whole_tile_at_once_is_the_networks_own_answer() -> None:
    image = torch.randn((1, 3, 10, 12))
    assert torch.equal(tile_probabilities(local, image, WHOLE), softmax(local(image), dim=1))


@pytest.mark.parametrize("axes", [(-1,), (-2,), (-1, -2)])
def test_with_flips_a_flipped_tile_has_a_flipped_answer(axes: tuple[int, ...]) -> None:
    image = torch.randn((1, 3, 16, 16))
    viewing = Viewing(None, 0.0, True, (1.0, 1.5))
    found = tile_probabilities(local, image, viewing)
    assert torch.allclose(tile_probabilities(local, image.flip(axes), viewing).flip(axes), found, atol=1e-5)
    assert not torch.allclose(tile_probabilities(local, image.flip(axes), WHOLE).flip(axes), found, atol=1e-3)


def test_scales_are_seen_and_brought_back() -> None:
    sides = []

    def constant(image: Tensor) -> Tensor:
        sides.append(tuple(image.shape[-2:]))
        return image.new_tensor([1.0, 2.0])[None, :, None, None].expand(len(image), 2, *image.shape[-2:])

    found = tile_probabilities(constant, torch.zeros((2, 3, 20, 30)), Viewing(None, 0.0, False, (0.5, 1.0, 2.0)))
    assert sides == [(10, 15), (20, 30), (40, 60)]
    assert found.shape == (2, 2, 20, 30)
    assert torch.allclose(found[:, 1], torch.tensor([1.0, 2.0]).softmax(0)[1].expand(2, 20, 30), atol=1e-6)
