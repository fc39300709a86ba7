import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from torch import Tensor

from training.smoothing import (
    gaussian_smooth,
    one_hot,
    season_mean,
    smooth_labels,
    spatial_temporal_prior,
)

CLASSES = 5


def random_labels(seed: int, shape: tuple[int, ...], *, ignored: float = 0.0) -> Tensor:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, CLASSES, shape).astype(np.uint8)
    label[rng.random(shape) < ignored] = 255
    return torch.from_numpy(label)


def test_one_hot_is_0_without_a_label_and_refuses_an_unknown_class() -> None:
    label_BHW = torch.tensor([[[1, 255]]], dtype=torch.uint8)
    torch.testing.assert_close(one_hot(label_BHW, classes=2), torch.tensor([[[[0.0, 0.0]], [[1.0, 0.0]]]]))
    with pytest.raises(RuntimeError, match="out of bounds"):
        one_hot(torch.tensor([[[7]]], dtype=torch.uint8), classes=2)


def test_season_mean_counts_each_season_a_quarter() -> None:
    labels_BSHW = torch.tensor([1, 1, 0, 255], dtype=torch.uint8).reshape(1, 4, 1, 1)
    torch.testing.assert_close(season_mean(labels_BSHW, classes=3).flatten(), torch.tensor([0.25, 0.5, 0.0]))


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**31))
def test_smoothing_is_scipys_gaussian_at_any_size(height: int, width: int, seed: int) -> None:
    x = np.random.default_rng(seed).random((1, 2, height, width))
    expected = gaussian_filter(x, sigma=3, radius=12, axes=(2, 3), mode="reflect")
    actual = gaussian_smooth(torch.from_numpy(x).float()).numpy()
    np.testing.assert_allclose(actual, expected, rtol=0, atol=2e-6)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**31), st.sampled_from([0.0, 0.3, 0.9]))
def test_prior_is_a_distribution_wherever_there_is_a_label(seed: int, ignored: float) -> None:
    labels_BSHW = random_labels(seed, (2, 4, 9, 11), ignored=ignored)
    season_B = torch.tensor([0, 3])
    prior_BCHW = spatial_temporal_prior(labels_BSHW, season_B, classes=CLASSES)
    assert ((prior_BCHW >= 0) & (prior_BCHW <= 1 + 1e-6)).all()
    torch.testing.assert_close(prior_BCHW.sum(dim=1), torch.ones(2, 9, 11))


def test_a_missing_label_casts_no_vote() -> None:
    labels_BSHW = torch.full((1, 4, 8, 8), 255, dtype=torch.uint8)
    labels_BSHW[0, 1, 3, 4] = 2
    prior_BCHW = spatial_temporal_prior(labels_BSHW, torch.tensor([1]), classes=CLASSES)
    torch.testing.assert_close(prior_BCHW[:, 2], torch.ones(1, 8, 8))
    assert prior_BCHW.sum() == pytest.approx(64, rel=1e-5)


def test_beyond_the_radius_of_any_label_the_prior_is_0() -> None:
    labels_BSHW = torch.full((1, 4, 1, 60), 255, dtype=torch.uint8)
    labels_BSHW[..., :10] = 1
    prior_BCHW = spatial_temporal_prior(labels_BSHW, torch.tensor([0]), classes=CLASSES)
    torch.testing.assert_close(prior_BCHW[0, 1, 0, :21], torch.ones(21))
    assert (prior_BCHW[..., 22:] == 0).all()


def test_prior_commutes_with_flips() -> None:
    labels_BSHW, season_B = random_labels(1, (2, 4, 17, 23), ignored=0.2), torch.tensor([2, 1])
    flipped_first = spatial_temporal_prior(labels_BSHW.flip(2, 3), season_B, classes=CLASSES)
    flipped_last = spatial_temporal_prior(labels_BSHW, season_B, classes=CLASSES).flip(2, 3)
    torch.testing.assert_close(flipped_first, flipped_last)


def test_prior_is_float32_under_autocast() -> None:
    labels_BSHW, season_B = random_labels(1, (2, 4, 16, 16)), torch.tensor([2, 1])
    expected = spatial_temporal_prior(labels_BSHW, season_B, classes=CLASSES)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(spatial_temporal_prior(labels_BSHW, season_B, classes=CLASSES), expected)


def test_target_by_hand() -> None:
    label_BHW = torch.tensor([[[0, 255]]], dtype=torch.uint8)
    prior_BCHW = torch.tensor([0.5, 0.5, 0.5, 0.5]).reshape(1, 2, 1, 2)
    target_BCHW = smooth_labels(label_BHW, prior_BCHW, classes=2, prior_factor=0.2, uniform_factor=0.1)
    torch.testing.assert_close(target_BCHW[0, :, 0], torch.tensor([[0.85, 0.0], [0.15, 0.0]]))


def test_target_needs_its_prior() -> None:
    with pytest.raises(ValueError, match="no prior"):
        smooth_labels(torch.zeros(1, 2, 2).byte(), None, classes=2, prior_factor=0.2, uniform_factor=0.0)
