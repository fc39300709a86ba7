import pytest
import torch
from torch.optim import SGD, Adam

from training.compute import Compute, Inputs
from training.dual_unet import DualUNet, build_network
from training.objective import CROMSS
from training.step import step_losses
from training.train_step import train_step

CPU = Compute(torch.device("cpu"), bf16=False)


def network() -> DualUNet:
    torch.manual_seed(0)
    return build_network("mid", "resnet18", (8, 8, 8)).train()


def inputs() -> Inputs:
    labels = torch.randint(0, 9, (3, 4, 4, 4), dtype=torch.uint8).repeat_interleave(8, 2).repeat_interleave(8, 3)
    return Inputs(torch.rand(3, 2, 32, 32), torch.rand(3, 13, 32, 32), labels, torch.tensor([0, 1, 3]))


def test_weights_move_against_the_gradient_of_the_total_loss() -> None:
    moved, still, data = network(), network(), inputs()
    losses = train_step(moved, SGD(moved.parameters(), lr=0.1), data, 40, objective=CROMSS, compute=CPU)
    total = step_losses(still(data.s1, data.s2), data, 40, CROMSS).total
    assert losses.total.item() == total.item()
    weight = still.segmentation_head[0].weight
    (gradient,) = torch.autograd.grad(total, weight)
    torch.testing.assert_close(moved.segmentation_head[0].weight, weight - 0.1 * gradient)


def test_no_gradient_is_left_from_the_step_before() -> None:
    one, data = network(), inputs()
    optimizer = Adam(one.parameters(), lr=0.0)
    train_step(one, optimizer, data, 0, objective=CROMSS, compute=CPU)
    first = one.encoder.conv1.weight.grad.clone()
    train_step(one, optimizer, data, 0, objective=CROMSS, compute=CPU)
    torch.testing.assert_close(one.encoder.conv1.weight.grad, first)


def test_losses_are_compiled_where_the_network_is(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr("training.train_step.step_losses", lambda *args, **said: (seen.append(said), 1 / 0))
    one = network()
    compiled = Compute(torch.device("cpu"), bf16=False, compile=True)
    with pytest.raises(ZeroDivisionError):
        train_step(one, SGD(one.parameters()), inputs(), 0, objective=CROMSS, compute=compiled)
    assert seen == [{"compiled": True}]
