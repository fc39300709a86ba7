"""Linear CKA against the published formulas written out with N x N matrices, and its invariances."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from training.robustness.cka import linear_cka

Matrix = NDArray[np.float64]


def biased_hsic(k: Matrix, ell: Matrix) -> float:
    """tr(K H L H) / (n - 1)^2 (Gretton et al. 2005, eq. 9, as Kornblith et al. have it)."""
    n = len(k)
    h = np.eye(n) - np.full((n, n), 1.0 / n)
    return float(np.trace(k @ h @ ell @ h)) / (n - 1) ** 2


def unbiased_hsic(k: Matrix, ell: Matrix) -> float:
    """Song et al. 2012, eq. 5."""
    n, one = len(k), np.ones(len(k))
    k, ell = k - np.diag(np.diag(k)), ell - np.diag(np.diag(ell))
    first = np.trace(k @ ell)
    second = (one @ k @ one) * (one @ ell @ one) / ((n - 1) * (n - 2))
    third = 2 / (n - 2) * (one @ k @ ell @ one)
    return float(first + second - third) / (n * (n - 3))


def features(samples: int, channels: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3.0 + torch.randn((samples, channels), generator=generator)


@settings(deadline=None, max_examples=25)
@given(n=st.integers(6, 30), a=st.integers(1, 40), b=st.integers(1, 40), seed=st.integers(0, 2**20))
def test_both_estimates_are_those_of_the_written_out_hsic(n: int, a: int, b: int, seed: int) -> None:
    x = features(n, a, seed)
    y = torch.cat((features(n, b, seed + 1), x[:, :1]), dim=1)
    k, ell = (m.double().numpy() @ m.double().numpy().T for m in (x, y))
    found = linear_cka(x, y)
    for hsic, ours in ((unbiased_hsic, found.unbiased), (biased_hsic, found.plain)):
        assert ours == pytest.approx(hsic(k, ell) / np.sqrt(hsic(k, k) * hsic(ell, ell)), rel=1e-6, abs=1e-8)


@settings(deadline=None, max_examples=25)
@given(channels=st.integers(1, 20), scale=st.floats(0.01, 100), seed=st.integers(0, 2**20))
def test_it_is_one_with_itself_turned_scaled_and_shifted(channels: int, scale: float, seed: int) -> None:
    x = features(50, channels, seed).double()
    turn, _ = torch.linalg.qr(features(channels, channels, seed + 1).double())
    for other in (x, x @ turn, scale * x, x + scale, scale * x @ turn - 7.0):
        found = linear_cka(x, other)
        assert found.unbiased == pytest.approx(1.0, abs=1e-9)
        assert found.plain == pytest.approx(1.0, abs=1e-9)


def test_it_is_below_one_where_channels_are_weighed_otherwise() -> None:
    x = features(200, 8, 0)
    assert (linear_cka(x, x * torch.arange(1.0, 9.0)).unbiased or 1.0) < 0.9


def test_of_unrelated_layers_with_few_samples_only_the_unbiased_estimate_is_near_zero() -> None:
    found = [linear_cka(features(100, 300, seed), features(100, 300, seed + 100)) for seed in range(20)]
    assert abs(np.mean([f.unbiased for f in found])) < 0.02
    assert np.mean([f.plain for f in found]) > 0.5


def test_a_constant_layer_is_like_nothing() -> None:
    found = linear_cka(features(20, 3, 0), torch.full((20, 4), 0.1))
    assert found.unbiased is None
    assert found.plain is None


def test_other_samples_or_too_few_are_refused() -> None:
    with pytest.raises(ValueError, match="5 and 6 samples"):
        linear_cka(features(5, 2, 0), features(6, 2, 0))
    with pytest.raises(ValueError, match="at least 4"):
        linear_cka(features(3, 2, 0), features(3, 2, 0))
