"""The plain writing against ours: a ratio between them means nothing unless they compute the same."""

import pytest
import torch
from scipy.ndimage import gaussian_filter

from benchmarks.plain_step import blur, plain_loss
from training.compute import Inputs
from training.objective import Objective
from training.step import step_losses


def inputs_of(missing: float) -> Inputs:
    labels = torch.randint(0, 9, (3, 4, 6, 5)).repeat_interleave(6, 2).repeat_interleave(6, 3).to(torch.uint8)
    labels[torch.rand(labels.shape) < missing] = 255
    none = torch.empty(0)
    return Inputs(s1=none, s2=none, labels=labels, season=torch.tensor([0, 3, 1]))


@pytest.mark.parametrize("epoch", [0, 40, 100])
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_loss_and_gradients_are_ours(missing: float, epoch: int) -> None:
    torch.manual_seed(epoch)
    inputs, objective = inputs_of(missing), Objective()
    logits = {m: (3 * torch.randn(3, 9, 36, 30)).requires_grad_() for m in ("s1", "s2")}
    ours = step_losses(logits, inputs, epoch, objective).total
    plain = plain_loss(logits, inputs, epoch, objective)
    torch.testing.assert_close(plain, ours, rtol=1e-5, atol=0)
    grads = [torch.autograd.grad(total, list(logits.values()), retain_graph=True) for total in (ours, plain)]
    for our_grad, plain_grad in zip(*grads, strict=True):
        torch.testing.assert_close(plain_grad, our_grad, rtol=1e-3, atol=1e-8)


def test_the_filter_is_scipys() -> None:
    x = torch.rand(2, 14, 30)
    expected = gaussian_filter(x.double().numpy(), sigma=3, radius=12, axes=(1, 2), mode="reflect")
    torch.testing.assert_close(blur(x).double(), torch.from_numpy(expected), rtol=0, atol=1e-6)


def test_another_objective_is_refused() -> None:
    logits = {m: torch.zeros(3, 9, 36, 30) for m in ("s1", "s2")}
    with pytest.raises(ValueError, match="paper's losses"):
        plain_loss(logits, inputs_of(0.0), 0, Objective(segmentation="sce"))
