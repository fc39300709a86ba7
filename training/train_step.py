"""One step of training: images in, weights moved."""

from torch.optim import Optimizer

from training.compute import Compute, Inputs
from training.objective import Objective
from training.step import StepLosses, step_losses
from training.trained_form import Forward


def train_step(
    forward: Forward, optimizer: Optimizer, inputs: Inputs, epoch: int, *, objective: Objective, compute: Compute
) -> StepLosses:
    """Move the weights once, against the gradient of the losses, which are returned; a GPU is not waited for.

    `forward`: the network as it is trained, see trained_form. `epoch` counts from 0.
    """
    with compute.autocast():
        logits = forward(inputs.s1, inputs.s2)
    losses = step_losses(logits, inputs, epoch, objective, compiled=compute.compile)
    optimizer.zero_grad(set_to_none=True)
    losses.total.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return losses
