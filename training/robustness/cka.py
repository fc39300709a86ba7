"""Linear centred kernel alignment: how alike two layers represent the same samples.

Kornblith et al. 2019, "Similarity of Neural Network Representations Revisited" (arXiv 1905.00414). The plain estimate
(eq. 3 there, with the biased HSIC of section 3) is too high where a layer has not far more samples than channels, as
the deep ones have not; the unbiased estimate of HSIC (Song et al. 2012, "Feature Selection via Dependence
Maximization", eq. 5) has no such drift. Both are exact over the samples given, in feature space: no N x N matrix.
Dimensions: N samples, A and B channels.
"""

from dataclasses import dataclass
from typing import Final

from torch import Tensor

FEWEST: Final = 4
"""Samples from which on the unbiased estimate exists: it divides by N - 3."""

ROUNDING: Final = 1e-13
"""What the mean of equal numbers may be off by, relative to them."""


@dataclass(frozen=True)
class Similarity:
    """Of two layers at the same samples."""

    unbiased: float | None
    """At most 1, about 0 for layers that have nothing in common, where it may fall a little below; None where either
    layer gives the same for all samples."""
    plain: float | None
    """0..1; None as above."""


def linear_cka(x_NA: Tensor, y_NB: Tensor) -> Similarity:
    """Return both estimates of two layers' similarity; 1 with itself, or turned, scaled and shifted.

    `x_NA`, `y_NB`: features of the same N samples, of any float type, at least FEWEST; ValueError otherwise.
    """
    if len(x_NA) != len(y_NB) or len(x_NA) < FEWEST:
        raise ValueError(f"{len(x_NA)} and {len(y_NB)} samples; give the same samples of both, at least {FEWEST}")
    x_NA, y_NB = _centred(x_NA), _centred(y_NB)
    unbiased = _ratio(_unbiased(x_NA, y_NB), _unbiased(x_NA, x_NA), _unbiased(y_NB, y_NB))
    return Similarity(unbiased, _ratio(_squares(x_NA, y_NB), _squares(x_NA, x_NA), _squares(y_NB, y_NB)))


def _centred(x_NA: Tensor) -> Tensor:
    """Less its mean; 0 where it differs from it by rounding alone."""
    x_NA = x_NA.double()
    rest_NA = x_NA - x_NA.mean(0)
    return rest_NA.where(rest_NA.abs() > ROUNDING * x_NA.abs().max(), 0.0)


def _ratio(both: float, x: float, y: float) -> float | None:
    return both / (x * y) ** 0.5 if x > 0.0 and y > 0.0 else None


def _squares(x_NA: Tensor, y_NB: Tensor) -> float:
    """||Y^T X||^2 (Frobenius): (N - 1)^2 times the biased HSIC of linear kernels."""
    return float((y_NB.T @ x_NA).square().sum())


def _unbiased(x_NA: Tensor, y_NB: Tensor) -> float:
    """N (N - 3) times the unbiased HSIC of linear kernels of centred features.

    With K = X X^T and L = Y Y^T, whose rows add up to 0 before their diagonals are left out, and their diagonals k, l:
    tr(KL) - N/(N-2) sum(k l) + sum(k) sum(l) / ((N-1)(N-2)).
    """
    n = len(x_NA)
    k_N, l_N = x_NA.square().sum(1), y_NB.square().sum(1)
    shared = float(k_N @ l_N)
    return _squares(x_NA, y_NB) - n / (n - 2) * shared + float(k_N.sum() * l_N.sum()) / ((n - 1) * (n - 2))
