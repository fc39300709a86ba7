"""The objective and the network on a GPU against the same on the CPU. Skipped where there is no GPU, as in CI."""

from pathlib import Path

import numpy as np
import pytest
import torch

from training.compute import Inputs
from training.cromss import selection_masks
from training.dual_unet import build_network
from training.objective import CROMSS
from training.step import step_losses

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]

GOLDEN = Path(__file__).parents[1] / "golden" / "data" / "epoch080.npz"


def inputs_of(labels_BSHW: torch.Tensor, season_B: torch.Tensor) -> Inputs:
    none = torch.empty(0)
    return Inputs(s1=none, s2=none, labels=labels_BSHW, season=season_B)


def step(device: str) -> dict[str, torch.Tensor]:
    golden = np.load(GOLDEN)
    s1 = torch.tensor(golden["logits_s1"], device=device, requires_grad=True)
    s2 = torch.tensor(golden["logits_s2"], device=device, requires_grad=True)
    labels = torch.tensor(golden["labels"], device=device)
    season = torch.tensor(golden["season"], device=device)
    logits, inputs = {"s1": s1, "s2": s2}, inputs_of(labels, season)
    losses = step_losses(logits, inputs, 80)
    losses.total.backward()
    log_p = {"s1": s1.detach().log_softmax(1), "s2": s2.detach().log_softmax(1)}
    masks = selection_masks(log_p, inputs.label, strength=CROMSS.strength(80, labels.device), objective=CROMSS)
    assert s1.grad is not None
    return {
        "total": losses.total.detach().cpu(),
        "grad_s1": s1.grad.cpu(),
        "weights_s1": masks.segmentation["s1"].cpu(),
        "weights_s2": masks.segmentation["s2"].cpu(),
    }


def test_a_step_on_the_gpu_equals_the_cpu() -> None:
    gpu, cpu = step("cuda"), step("cpu")
    for name, expected in cpu.items():
        torch.testing.assert_close(gpu[name], expected, rtol=1e-4, atol=1e-5)


def test_a_step_waits_for_nothing() -> None:
    torch.cuda.set_sync_debug_mode("error")
    try:
        labels = torch.randint(0, 9, (2, 4, 64, 64), dtype=torch.uint8, device="cuda")
        logits = torch.randn(2, 2, 9, 64, 64, device="cuda").requires_grad_()
        season = torch.zeros(2, dtype=torch.int64, device="cuda")
        losses = step_losses({"s1": logits[0], "s2": logits[1]}, inputs_of(labels, season), 40)
        losses.total.backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_bf16_stays_near_float32() -> None:
    torch.manual_seed(0)
    network = build_network("mid", "resnet18").cuda().eval()
    s1, s2 = torch.rand(2, 2, 64, 64, device="cuda"), torch.rand(2, 13, 64, 64, device="cuda")
    with torch.no_grad():
        exact = network(s1, s2)
        with torch.autocast("cuda", torch.bfloat16):
            rounded = network(s1, s2)
    for full, half in zip(exact.values(), rounded.values(), strict=True):
        apart = (full - half.float()).abs().mean() / full.abs().mean()
        assert apart < 0.05  # bf16 keeps 8 bits: 0.4 % a step, over some forty layers
