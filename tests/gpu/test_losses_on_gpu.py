"""The objective on a GPU: against the published code's tensors, compiled, and without waiting for the device.

Skipped where there is no GPU, as in CI.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from training.compute import Inputs
from training.cromss import selection_masks
from training.objective import Objective
from training.step import step_losses

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]

DEVICE = "cuda"
STEPS = sorted(p for p in (Path(__file__).parents[1] / "golden" / "data").glob("*.npz") if "forward" not in p.stem)

Arrays = Mapping[str, NDArray[Any]]


@pytest.fixture(params=STEPS, ids=lambda path: path.stem)
def golden(request: pytest.FixtureRequest) -> Arrays:
    with np.load(request.param) as file:
        return dict(file)


def objective_of(golden: Arrays) -> tuple[Objective, int]:
    meta = json.loads(str(golden["meta"]))
    prior_factor, uniform_factor = [*(meta["lsf"] or ()), 0.0, 0.0][:2]
    objective = Objective(
        prior_factor=prior_factor,
        uniform_factor=uniform_factor,
        consistency=meta["cl"],
        confidence="gini" if meta["ctype"] == "gini" else "entropy",
        final_ratio=meta["prop"],
        ramp_epochs=meta["nep"],
        ramp=meta["func"],
    )
    return objective, meta["epoch"]


def inputs_of(labels_BSHW: torch.Tensor, season_B: torch.Tensor) -> Inputs:
    none = torch.empty(0)
    return Inputs(s1=none, s2=none, labels=labels_BSHW, season=season_B)


def near(actual: torch.Tensor, expected: NDArray[Any], *, rtol: float = 0.0, atol: float = 0.0) -> None:
    np.testing.assert_allclose(actual.detach().cpu().numpy(), expected, rtol=rtol, atol=atol)


@pytest.mark.parametrize("compiled", [False, True])
def test_golden_losses_masks_and_gradients(golden: Arrays, compiled: bool) -> None:
    logits = {m: torch.tensor(golden[f"logits_{m}"], device=DEVICE, requires_grad=True) for m in ("s1", "s2")}
    inputs = inputs_of(*(torch.tensor(golden[name], device=DEVICE) for name in ("labels", "season")))
    objective, epoch = objective_of(golden)
    losses = step_losses(logits, inputs, epoch, objective, compiled=compiled)
    grads = torch.autograd.grad(losses.total, list(logits.values()))
    near(losses.total, golden["loss_total"], rtol=1e-5)
    near(losses.parts["consistency"], golden["loss_consistency"], rtol=1e-5)
    for grad, name in zip(grads, ("grad_s1", "grad_s2"), strict=True):
        near(grad, golden[name], atol=1e-6)
    at_epoch = objective.strength(epoch, inputs.labels.device)
    log_p = {m: one.detach().log_softmax(1) for m, one in logits.items()}
    masks = selection_masks(log_p, inputs.label, strength=at_epoch, objective=objective)
    for m in ("s1", "s2"):
        near(masks.segmentation[m], golden[f"seg_mask_{m}"], atol=1e-5)
        near(masks.consistency[m], golden[f"con_mask_{m}"], atol=1e-5)


def test_the_losses_wait_for_nothing() -> None:
    labels = torch.randint(0, 9, (2, 4, 64, 64), dtype=torch.uint8, device=DEVICE)
    logits = torch.randn(2, 2, 9, 64, 64, device=DEVICE).requires_grad_()
    inputs = inputs_of(labels, torch.zeros(2, dtype=torch.int64, device=DEVICE))
    torch.cuda.set_sync_debug_mode("error")
    try:
        step_losses({"s1": logits[0], "s2": logits[1]}, inputs, 40).total.backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")
