"""A whole step on a GPU against the same on the CPU, in bf16, compiled, and timed. Skipped where there is no GPU."""

import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from training.augment import Augmentation, Placement, draw, place_images, place_labels
from training.compute import Compute, choose_compute, network_inputs
from training.dual_unet import build_network
from training.loader import Batch
from training.objective import CROMSS
from training.run_state import new_state
from training.settings import PretrainSettings
from training.train_step import train_step
from training.trained_form import trained_form
from training.world import World

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]

DEVICE = "cuda"
FORWARD = Path(__file__).parents[1] / "golden" / "data" / "forward_mid.npz"
PX, CROP = 72, 64
SETTINGS = PretrainSettings(encoder="resnet18", crop_px=CROP, batch_size=4, device=DEVICE, compile="off")


@pytest.fixture(autouse=True)
def no_tf32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def batch(samples: int = 4) -> Batch:
    generator = torch.Generator().manual_seed(0)

    def drawn(high: int, *shape: int) -> torch.Tensor:
        made = torch.randint(0, high, (samples, *shape, PX, PX), generator=generator, dtype=torch.uint8)
        return made.pin_memory() if DEVICE == "cuda" else made

    return Batch(rows=np.arange(samples), s1=drawn(256, 2), s2=drawn(256, 13), labels=drawn(9, 4),
                 season=torch.arange(samples) % 4)  # fmt: skip


def placement(samples: int = 4) -> Placement:
    return draw(Augmentation(CROP, 0.5, 0.5, 90.0), samples, PX, torch.Generator().manual_seed(1))


def losses_of_steps(compute: Compute, settings: PretrainSettings = SETTINGS, steps: int = 3) -> list[float]:
    state = new_state(settings, compute)
    forward = trained_form(state.network.train(), compute, World(), whole=True)
    found = []
    for _ in range(steps):
        inputs = network_inputs(batch(), placement(), s2_bands=settings.s2_bands, compute=compute)
        losses = train_step(forward, state.optimizer, inputs, 40, objective=CROMSS, compute=compute)
        found.append(losses.total.item())
    return found


def test_the_golden_forward_pass() -> None:
    network = build_network("mid")
    filled = {}
    for name, tensor in network.state_dict().items():
        drawn = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(tuple(tensor.shape) or (1,))
        a = torch.from_numpy(drawn.astype(np.float32)).reshape(tensor.shape)
        if not tensor.is_floating_point():
            filled[name] = tensor
        elif name.endswith("running_var"):
            filled[name] = 1 + 0.1 * a.abs()
        elif name.endswith("running_mean"):
            filled[name] = 0.05 * a
        elif tensor.ndim >= 2:
            filled[name] = a * (2 / np.prod(tensor.shape[1:])) ** 0.5
        else:
            filled[name] = 1 + 0.05 * a if name.endswith("weight") else 0.02 * a
    network.load_state_dict(filled)
    compute = Compute(torch.device(DEVICE), bf16=False)
    compute.settle(network.eval())
    with np.load(FORWARD) as golden, torch.no_grad():
        logits = network(*(torch.from_numpy(golden[f"x_{m}"]).to(DEVICE) for m in ("s1", "s2")))
        for m in ("s1", "s2"):
            expected = torch.from_numpy(golden[f"logits_{m}"])
            assert (logits[m].cpu() - expected).abs().max() <= 1e-4 * expected.abs().max()


def test_augmentation_is_the_cpus() -> None:
    made, where = batch(), placement()
    assert torch.equal(place_labels(made.labels.to(DEVICE), where).cpu(), place_labels(made.labels, where))
    torch.testing.assert_close(
        place_images(made.s2.to(DEVICE), where).cpu(), place_images(made.s2, where), rtol=0, atol=1e-3
    )


def test_steps_in_float32_are_the_cpus() -> None:
    on_cpu = losses_of_steps(Compute(torch.device("cpu"), bf16=False))
    on_gpu = losses_of_steps(Compute(torch.device(DEVICE), bf16=False))
    assert on_gpu[0] == pytest.approx(on_cpu[0], rel=1e-4)
    # Adam's first steps are of one size whatever the gradient's, so that rounding tells from the second step on.
    assert on_gpu == pytest.approx(on_cpu, rel=5e-2)


def test_bf16_stays_near_float32() -> None:
    """Its 8 bits are 0.4 % a value: the loss of a step stays within 2 %."""
    exact = losses_of_steps(Compute(torch.device(DEVICE), bf16=False), steps=1)
    rounded = losses_of_steps(Compute(torch.device(DEVICE), bf16=DEVICE == "cuda"), steps=1)
    assert rounded == pytest.approx(exact, rel=2e-2)


def test_a_compiled_step_is_the_same() -> None:
    plain = Compute(torch.device(DEVICE), bf16=False)
    exact, compiled = (losses_of_steps(c, steps=1) for c in (plain, replace(plain, compile=True)))
    assert compiled == pytest.approx(exact, rel=1e-4)


@pytest.mark.parametrize("s2_bands", [13, 9])
def test_a_whole_step_waits_for_nothing(s2_bands: int) -> None:
    settings = SETTINGS.model_copy(update={"s2_bands": s2_bands})
    compute = choose_compute(settings)
    state = new_state(settings, compute)
    forward = trained_form(state.network.train(), compute, World(), whole=True)

    def step() -> None:
        inputs = network_inputs(batch(), placement(), s2_bands=s2_bands, compute=compute)
        train_step(forward, state.optimizer, inputs, 40, objective=CROMSS, compute=compute)

    step()  # the first one makes what later ones find
    torch.cuda.set_sync_debug_mode("error")
    try:
        step()
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_the_benchmark_runs() -> None:
    from benchmarks.step import StepLoad, bench_step

    load = StepLoad(DEVICE, encoder="resnet18", batch=4, crop=64, steps=2, rounds=1, compile="off")
    found = {figure.name: figure.value for figure in bench_step(load, tell=lambda _: None).figures}
    assert found["losses apart, relative"] < 1e-4
    assert found["peak memory, ours"] > 0
