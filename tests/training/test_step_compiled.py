"""The step as a compiler sees it: one graph, whatever the epoch. What it makes of that is tested on a GPU."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

import training.step
from training.compute import Inputs
from training.objective import Objective
from training.step import step_losses


class Counted:
    """A backend that counts what it is to compile, and runs it as it is."""

    def __init__(self) -> None:
        self.graphs = 0

    def __call__(self, graph: torch.fx.GraphModule, _: list[torch.Tensor]) -> Callable[..., Any]:
        self.graphs += 1
        return graph.forward


@pytest.mark.parametrize("lovasz", [0.0, 1.0])
@pytest.mark.parametrize("soft", [False, True])
def test_a_compiled_step_is_one_graph_for_all_epochs_and_the_same(
    soft: bool, lovasz: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = Counted()
    compiled = torch.compile(training.step._losses, dynamic=False, fullgraph=True, backend=backend)
    monkeypatch.setattr(training.step, "_compiled_losses", lambda: compiled)
    labels = torch.randint(0, 9, (2, 4, 16, 20), dtype=torch.uint8)
    labels[:, :, :4] = 255
    share = torch.rand(2, 9, 16, 20).softmax(dim=1) if soft else None
    none = torch.empty(0)
    inputs = Inputs(s1=none, s2=none, labels=labels, season=torch.tensor([3, 0]), probabilities=share)
    objective = Objective(labels="soft" if soft else "hard", lovasz_weight=lovasz)
    logits = {m: torch.randn(2, 9, 16, 20).requires_grad_() for m in ("s1", "s2")}

    def gradient(epoch: int, compiled: bool) -> torch.Tensor:
        losses = step_losses(logits, inputs, epoch, objective, compiled=compiled)
        (grad,) = torch.autograd.grad(losses.total, logits["s1"])
        return torch.cat((grad.flatten(), *(part.detach().reshape(1) for part in losses.parts.values())))

    for epoch in (0, 1, 40, 80, 81):
        assert torch.equal(gradient(epoch, compiled=True), gradient(epoch, compiled=False))
    assert backend.graphs == 1
