"""The reverse cross-entropy is the real one, and a pixel's loss is its own."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from training.losses import weighted_cross_entropy
from training.sce import reverse_cross_entropy, symmetric_cross_entropy
from training.smoothing import one_hot

CLASSES = 5


def case(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Log-probabilities (3, 5, 6, 7), labels of which some are missing, and weights that are 0 where they are."""
    generator = torch.Generator().manual_seed(seed)
    log_p = torch.log_softmax(3 * torch.randn(3, CLASSES, 6, 7, generator=generator), dim=1)
    label = torch.randint(0, CLASSES, (3, 6, 7), generator=generator).to(torch.uint8)
    label[torch.rand(3, 6, 7, generator=generator) < 0.3] = 255
    weight = torch.rand(3, 6, 7, generator=generator) * (label != 255)
    return log_p, label, weight


def test_reverse_cross_entropy_is_its_formula_pixel_by_pixel() -> None:
    log_p, label, _ = case(0)
    found = reverse_cross_entropy(log_p, one_hot(label, classes=CLASSES))
    p = log_p.double().exp().numpy()
    for b, i, j in np.ndindex(3, 6, 7):
        if label[b, i, j] != 255:
            onehot = np.eye(CLASSES)[label[b, i, j]]
            expected = -sum(p[b, c, i, j] * math.log(max(onehot[c], 1e-4)) for c in range(CLASSES))
            assert float(found[b, i, j]) == pytest.approx(expected, rel=1e-5)


def test_of_a_hard_label_it_is_linear_in_the_label_s_probability_and_bounded() -> None:
    log_p, label, _ = case(1)
    labelled = label != 255
    found = reverse_cross_entropy(log_p, one_hot(label, classes=CLASSES))[labelled]
    own = log_p.exp().gather(1, torch.where(labelled, label, 0).long()[:, None])[:, 0][labelled]
    torch.testing.assert_close(found, -math.log(1e-4) * (1 - own))
    sure_and_wrong = torch.tensor([0.0, -1e4]).view(1, 2, 1, 1)
    wrong_label = torch.tensor([0.0, 1.0]).view(1, 2, 1, 1)
    assert reverse_cross_entropy(sure_and_wrong, wrong_label).item() == pytest.approx(-math.log(1e-4))


def test_it_is_not_the_cross_entropy_again() -> None:
    log_p, label, weight = case(2)
    target = one_hot(label, classes=CLASSES)
    forward = weighted_cross_entropy(log_p, target, weight)
    backward = symmetric_cross_entropy(log_p, target, weight, alpha=0.0, beta=1.0)
    assert abs(float(forward - backward)) > 0.1
    both = symmetric_cross_entropy(log_p, target, weight, alpha=0.5, beta=2.0)
    assert float(both) == pytest.approx(0.5 * float(forward) + 2.0 * float(backward), rel=1e-6)


def test_the_mean_is_over_labelled_pixels_by_weight() -> None:
    log_p, label, weight = case(3)
    target = one_hot(label, classes=CLASSES)
    each = reverse_cross_entropy(log_p, target)
    found = symmetric_cross_entropy(log_p, target, weight, alpha=0.0, beta=1.0)
    assert float(found) == pytest.approx(float((each * weight).sum() / weight.sum()), rel=1e-6)


def test_a_pixel_s_loss_does_not_depend_on_other_images_nor_on_its_own_where_unlabelled() -> None:
    log_p, label, weight = case(4)
    target = one_hot(label, classes=CLASSES)
    each = reverse_cross_entropy(log_p, target)
    alone = torch.cat([reverse_cross_entropy(log_p[i : i + 1], target[i : i + 1]) for i in range(3)])
    assert torch.equal(each, alone)
    other = torch.where((label == 255)[:, None], log_p.flip(1), log_p)
    loss = [symmetric_cross_entropy(x, target, weight, alpha=1.0, beta=2.0) for x in (log_p, other)]
    assert loss[0] == loss[1]


def test_without_any_label_there_is_no_loss_and_no_gradient() -> None:
    log_p = torch.log_softmax(torch.randn(1, CLASSES, 4, 4), dim=1).requires_grad_()
    nothing = torch.zeros(1, 4, 4)
    loss = symmetric_cross_entropy(log_p, torch.zeros(1, CLASSES, 4, 4), nothing, alpha=1.0, beta=2.0)
    (gradient,) = torch.autograd.grad(loss, log_p)
    assert loss.item() == 0.0
    assert not gradient.any()
