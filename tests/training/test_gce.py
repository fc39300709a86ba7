"""GCE lies between the cross-entropy and the absolute error, and its gradient weighs by p^q."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from training.gce import generalised_cross_entropy
from training.losses import weighted_cross_entropy
from training.smoothing import one_hot

CLASSES = 4


def case(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Logits, log-probabilities, target and weight of (2, 4, 5, 6) pixels, some unlabelled."""
    generator = torch.Generator().manual_seed(seed)
    logits = (3 * torch.randn(2, CLASSES, 5, 6, generator=generator)).requires_grad_()
    label = torch.randint(0, CLASSES, (2, 5, 6), generator=generator).to(torch.uint8)
    label[torch.rand(2, 5, 6, generator=generator) < 0.3] = 255
    weight = torch.rand(2, 5, 6, generator=generator) * (label != 255)
    return logits, torch.log_softmax(logits, dim=1), one_hot(label, classes=CLASSES), weight


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**31), st.floats(0.05, 1.0))
def test_it_is_its_formula(seed: int, q: float) -> None:
    _, log_p, target, weight = case(seed)
    p, t, w = (x.detach().double().numpy() for x in (log_p.exp(), target, weight))
    own = (p * t).sum(1)
    expected = (w * (1 - own**q) / q)[t.sum(1) > 0].sum() / w.sum()
    assert generalised_cross_entropy(log_p, target, weight, q=q).item() == pytest.approx(expected, rel=1e-4)


def test_its_ends_are_the_cross_entropy_and_half_the_absolute_error() -> None:
    _, log_p, target, weight = case(1)
    near_zero = generalised_cross_entropy(log_p, target, weight, q=1e-4)
    assert near_zero.item() == pytest.approx(weighted_cross_entropy(log_p, target, weight).item(), rel=1e-3)
    absolute = (log_p.exp() - target).abs().sum(1) / 2
    expected = ((weight * absolute).sum() / weight.sum()).item()
    assert generalised_cross_entropy(log_p, target, weight, q=1.0).item() == pytest.approx(expected, rel=1e-5)


def test_its_gradient_is_that_of_the_cross_entropy_times_p_to_the_q() -> None:
    """arXiv 1805.07836, Sec. 3.2: dL_q/dtheta = f_y^q * dCE/dtheta for each pixel."""
    logits, log_p, target, weight = case(2)
    ours = torch.autograd.grad(generalised_cross_entropy(log_p, target, weight, q=0.7), logits, retain_graph=True)[0]
    own_p = (log_p.detach().exp() * target).sum(1, keepdim=True)
    plain = torch.autograd.grad(weighted_cross_entropy(log_p, target, weight), logits)[0]
    torch.testing.assert_close(ours, plain * own_p**0.7, rtol=1e-4, atol=1e-8)


def test_a_certainly_wrong_label_costs_1_over_q_and_no_more() -> None:
    log_p = torch.tensor([0.0, -1e4]).view(1, 2, 1, 1).requires_grad_()
    target = torch.tensor([0.0, 1.0]).view(1, 2, 1, 1)
    loss = generalised_cross_entropy(log_p, target, torch.ones(1, 1, 1), q=0.5)
    assert loss.item() == pytest.approx(2.0)
    assert torch.autograd.grad(loss, log_p)[0].isfinite().all()


def test_what_lies_under_missing_labels_has_no_influence() -> None:
    _, log_p, target, weight = case(3)
    missing = target.sum(1, keepdim=True) == 0
    other = torch.where(missing, log_p.flip(1), log_p)
    assert generalised_cross_entropy(other, target, weight, q=0.7) == generalised_cross_entropy(
        log_p, target, weight, q=0.7
    )
    assert generalised_cross_entropy(log_p, torch.zeros_like(target), torch.zeros_like(weight), q=0.7) == 0.0
