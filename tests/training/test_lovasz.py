"""Lovász-Softmax against its definition: the Jaccard loss of sets of wrong pixels, and its convex closure."""

from itertools import combinations, pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from torch import Tensor

from training.lovasz import lovasz_softmax


def jaccard_loss(wrong: set[int], own: set[int]) -> float:
    """1 - |own and predicted| / |own or predicted| of a class whose prediction is wrong at these pixels (eq. 5-6)."""
    predicted = own ^ wrong
    return 1.0 - len(own & predicted) / len(own | predicted) if own | predicted else 0.0


def by_level_sets(error: NDArray[np.float64], own: set[int]) -> float:
    """The Lovász extension as the integral over the threshold of the loss of the pixels whose error lies above it."""
    levels = sorted({0.0, *error.tolist()})
    return sum(
        (upper - lower) * jaccard_loss({i for i, e in enumerate(error) if e >= upper}, own)
        for lower, upper in pairwise(levels)
    )


def softmax_loss(p: NDArray[np.float64], label: NDArray[np.int64]) -> float:
    """Of pixels (N, C) of which all count: the mean over the classes that occur."""
    found = []
    for c in np.unique(label).tolist():
        own = set(np.flatnonzero(label == c).tolist())
        found.append(by_level_sets(np.abs((label == c) - p[:, c]), own))
    return float(np.mean(found))


def as_batch(p: NDArray[np.float64], shape: tuple[int, int, int]) -> Tensor:
    b, h, w = shape
    return torch.from_numpy(p).log().float().reshape(b, h, w, -1).permute(0, 3, 1, 2)


def draw(seed: int, shape: tuple[int, int, int], classes: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    n = int(np.prod(shape))
    return rng.dirichlet(np.ones(classes), size=n), rng.integers(0, classes, size=n)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 5), st.integers(1, 3))
def test_it_is_the_extension_by_its_level_sets(seed: int, classes: int, images: int) -> None:
    shape = (images, 2, 4)
    p, label = draw(seed, shape, classes)
    label_BHW = torch.from_numpy(label).reshape(shape).to(torch.uint8)
    found = lovasz_softmax(as_batch(p, shape), label_BHW, torch.ones(shape))
    assert float(found) == pytest.approx(softmax_loss(p, label), abs=1e-6)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_of_sure_predictions_it_is_the_jaccard_loss_itself(n: int) -> None:
    for own_size in range(1, n + 1):
        own = set(range(own_size))
        for k in range(n + 1):
            for chosen in combinations(range(n), k):
                wrong = set(chosen)
                label = np.array([0 if i in own else 1 for i in range(n)])
                predicted = np.array([label[i] ^ (i in wrong) for i in range(n)])
                log_p = torch.full((1, 2, 1, n), -1e4)
                log_p[0, torch.from_numpy(predicted), 0, torch.arange(n)] = 0.0
                expected = [jaccard_loss(wrong, own)]
                if own_size < n:
                    expected.append(jaccard_loss(wrong, set(range(n)) - own))
                found = lovasz_softmax(log_p, torch.from_numpy(label)[None, None], torch.ones(1, 1, n))
                assert float(found) == pytest.approx(np.mean(expected), abs=1e-6)


def greedy(error: NDArray[np.float64], order: list[int], own: set[int]) -> float:
    """sum_i error_i (loss of the first i pixels - loss of the first i - 1), the pixels in that order."""
    seen: set[int] = set()
    total = 0.0
    for i in order:
        total += float(error[i]) * (jaccard_loss(seen | {i}, own) - jaccard_loss(seen, own))
        seen.add(i)
    return total


@settings(max_examples=30, deadline=None)
@given(arrays(np.float64, 5, elements=st.floats(0, 1)), st.sets(st.integers(0, 4), min_size=1))
def test_its_order_is_the_one_that_makes_it_the_convex_closure(error: NDArray[np.float64], own: set[int]) -> None:
    """The greedy sum over pixels sorted by their errors is the largest one over all orders (Edmonds, Lovász 1983)."""
    from itertools import permutations

    label = torch.tensor([0 if i in own else 1 for i in range(5)])
    p_0 = torch.tensor([1.0 - e if i in own else e for i, e in enumerate(error.tolist())])
    log_p = torch.stack((p_0, 1.0 - p_0)).clamp_min(1e-30).log()[None, :, None]
    ours = greedy(error, sorted(range(5), key=lambda i: -error[i]), own)
    assert ours == pytest.approx(max(greedy(error, list(order), own) for order in permutations(range(5))), abs=1e-9)
    other = set(range(5)) - own
    both = [ours, *([greedy(error, sorted(range(5), key=lambda i: -error[i]), other)] if other else [])]
    found = lovasz_softmax(log_p, label[None, None], torch.ones(1, 1, 5))
    assert float(found) == pytest.approx(np.mean(both), abs=1e-5)


def test_pixels_of_weight_0_are_as_good_as_not_there() -> None:
    p, label = draw(3, (2, 3, 4), 4)
    counted = np.random.default_rng(0).random(24) < 0.6
    log_p = as_batch(p, (2, 3, 4)).requires_grad_()
    label_BHW = torch.from_numpy(np.where(counted, label, 255)).reshape(2, 3, 4).to(torch.uint8)
    weight = torch.from_numpy(counted).reshape(2, 3, 4).float()
    loss = lovasz_softmax(log_p, label_BHW, weight)
    assert loss.item() == pytest.approx(softmax_loss(p[counted], label[counted]), abs=1e-6)
    (gradient,) = torch.autograd.grad(loss, log_p)
    assert not gradient.permute(0, 2, 3, 1).reshape(24, 4)[torch.from_numpy(~counted)].any()
    assert gradient.any()


def test_without_any_label_there_is_no_loss_and_no_gradient() -> None:
    log_p = torch.log_softmax(torch.randn(1, 3, 4, 4), dim=1).requires_grad_()
    loss = lovasz_softmax(log_p, torch.full((1, 4, 4), 255), torch.zeros(1, 4, 4))
    (gradient,) = torch.autograd.grad(loss, log_p)
    assert loss.item() == 0.0
    assert not gradient.any()


def test_a_weight_scales_a_pixel_s_error() -> None:
    log_p = as_batch(np.array([[0.3, 0.7], [0.9, 0.1]]), (1, 1, 2))
    label = torch.tensor([[[0, 0]]])
    found = lovasz_softmax(log_p, label, torch.tensor([[[0.5, 1.0]]]))
    assert float(found) == pytest.approx(by_level_sets(np.array([0.35, 0.1]), {0, 1}), abs=1e-6)
