"""Cross-entropy + Dice over the labelled pixels, and over these alone."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot, softmax

from training.transfer.loss import transfer_loss


def sample(seed: int, ignored: float = 0.3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn((2, 4, 9, 7), generator=generator)
    label = torch.randint(0, 4, (2, 9, 7), generator=generator).to(torch.uint8)
    label[torch.rand(label.shape, generator=generator) < ignored] = 255
    return logits, label


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_it_is_the_sum_of_both_over_the_labelled_pixels(seed: int) -> None:
    logits, label = sample(seed)
    counted = label != 255
    ce = cross_entropy(logits, torch.where(counted, label.long(), -100), ignore_index=-100)
    p = softmax(logits, dim=1).permute(0, 2, 3, 1)[counted]
    t = one_hot(label[counted].long(), 4).float()
    overlap, size = (p * t).sum(0), (p + t).sum(0)
    dice = torch.where(t.sum(0) > 0, 1 - 2 * overlap / size, 0.0).mean()
    assert torch.allclose(transfer_loss(logits, label), ce + dice, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_ignored_pixels_change_neither_loss_nor_gradients(seed: int) -> None:
    logits, label = sample(seed)
    ignored = (label == 255)[:, None].expand_as(logits)
    other = torch.where(ignored, 50.0 * torch.randn(logits.shape), logits)
    found = []
    for content in (logits, other):
        leaf = content.clone().requires_grad_()
        loss = transfer_loss(leaf, label)
        loss.backward()
        assert leaf.grad is not None
        assert not leaf.grad[ignored].any()
        found.append((loss.detach(), leaf.grad))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])


def test_nothing_to_learn_is_no_loss_and_no_gradient() -> None:
    logits, label = sample(0)
    leaf = logits.requires_grad_()
    loss = transfer_loss(leaf, torch.full_like(label, 255))
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert leaf.grad is not None
    assert not leaf.grad.any()


def test_half_precision_is_computed_in_full() -> None:
    logits, label = sample(1)
    assert transfer_loss(logits.bfloat16() * 100, label).dtype == torch.float32
    assert torch.isfinite(transfer_loss(logits.bfloat16() * 100, label))
