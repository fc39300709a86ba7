"""The method against tensors that the published CromSS code computed.

They lie in tests/golden/data, or in the folder that the environment variable NOLDO_GOLDEN names.
Dimensions: B batch, C class, S season, H row, W column.
"""

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.compute import Inputs
from training.confidence import enhance, entropy_confidence, gini_confidence, label_confidence
from training.cromss import selection_masks
from training.dual_unet import Fusion, build_network
from training.objective import Objective
from training.smoothing import (
    chosen_label,
    gaussian_smooth,
    one_hot,
    season_mean,
    smooth_labels,
    spatial_temporal_prior,
)
from training.step import step_losses, validation_loss

DATA = Path(__file__).parent / "data"
GOLDEN = Path(os.environ.get("NOLDO_GOLDEN", DATA))
FORWARD = sorted(GOLDEN.glob("forward_*.npz"))
STEPS = sorted(path for path in GOLDEN.glob("*.npz") if path not in FORWARD)

SCALAR_RTOL, TENSOR_ATOL, GRADIENT_ATOL, FORWARD_RTOL = 1e-5, 1e-5, 1e-6, 1e-4

Arrays = Mapping[str, NDArray[Any]]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_the_folder_holds_golden_steps_and_a_forward_pass() -> None:
    assert STEPS, f"no golden step in {GOLDEN}"
    assert FORWARD or GOLDEN != DATA, f"no golden forward pass in {GOLDEN}"


@pytest.fixture(scope="module", params=STEPS, ids=lambda path: path.stem)
def step(request: pytest.FixtureRequest) -> Arrays:
    with np.load(request.param) as file:
        return dict(file)


def meta_of(step: Arrays) -> dict[str, Any]:
    return json.loads(str(step["meta"]))


def smoothing_factors(step: Arrays) -> tuple[float, float]:
    prior_factor, uniform_factor = [*(meta_of(step)["lsf"] or ()), 0.0, 0.0][:2]
    return prior_factor, uniform_factor


def objective_of(step: Arrays, *, select: bool = True) -> Objective:
    meta = meta_of(step)
    prior_factor, uniform_factor = smoothing_factors(step)
    return Objective(
        prior_factor=prior_factor,
        uniform_factor=uniform_factor,
        consistency=meta["cl"],
        confidence="gini" if meta["ctype"] == "gini" else "entropy",
        final_ratio=meta["prop"],
        ramp_epochs=meta["nep"],
        ramp=meta["func"],
        select=select,
    )


def inputs_of(labels_BSHW: Tensor, season_B: Tensor) -> Inputs:
    none = torch.empty(0)
    return Inputs(s1=none, s2=none, labels=labels_BSHW, season=season_B)


def tensors(step: Arrays, *names: str) -> list[Tensor]:
    return [torch.from_numpy(step[name]) for name in names]


def close(actual: Tensor, step: Arrays, name: str, atol: float = TENSOR_ATOL) -> None:
    np.testing.assert_allclose(actual.detach().numpy(), step[name], rtol=0, atol=atol, err_msg=name)


def close_scalar(actual: Tensor, step: Arrays, name: str) -> None:
    np.testing.assert_allclose(actual.item(), float(step[name]), rtol=SCALAR_RTOL, atol=0, err_msg=name)


def test_smoothing(step: Arrays) -> None:
    labels_BSHW, season_B = tensors(step, "labels", "season")
    classes = step["logits_s1"].shape[1]
    label_BHW = chosen_label(labels_BSHW, season_B)
    prior_BCHW = spatial_temporal_prior(labels_BSHW, season_B, classes=classes)
    close(gaussian_smooth(one_hot(label_BHW, classes=classes)), step, "prior_spatial")
    close(gaussian_smooth(season_mean(labels_BSHW, classes=classes)), step, "prior_temporal")
    close(prior_BCHW, step, "prior")
    prior_factor, uniform_factor = smoothing_factors(step)
    target_BCHW = smooth_labels(
        label_BHW, prior_BCHW, classes=classes, prior_factor=prior_factor, uniform_factor=uniform_factor
    )
    close(target_BCHW, step, "smoothed_labels")


def test_confidence(step: Arrays) -> None:
    labels_BSHW, season_B = tensors(step, "labels", "season")
    label_BHW = chosen_label(labels_BSHW, season_B)
    own = gini_confidence if meta_of(step)["ctype"] == "gini" else entropy_confidence
    log_p = {m: torch.log_softmax(torch.from_numpy(step[f"logits_{m}"]), dim=1) for m in ("s1", "s2")}
    for mine, other in (("s1", "s2"), ("s2", "s1")):
        f_BHW, g_BHW = label_confidence(log_p[mine], label_BHW), own(log_p[mine])
        close(f_BHW, step, f"label_conf_{mine}")
        close(g_BHW, step, f"entropy_conf_{mine}")
        close(enhance(f_BHW, label_confidence(log_p[other], label_BHW)), step, f"enh_label_conf_{mine}")
        close(enhance(g_BHW, own(log_p[other])), step, f"enh_entropy_conf_{mine}")


def test_losses_masks_and_gradients(step: Arrays) -> None:
    s1, s2, labels, season = tensors(step, "logits_s1", "logits_s2", "labels", "season")
    s1.requires_grad_()
    s2.requires_grad_()
    epoch, objective, inputs = meta_of(step)["epoch"], objective_of(step), inputs_of(labels, season)
    losses = step_losses({"s1": s1, "s2": s2}, inputs, epoch, objective)
    losses.total.backward()
    log_p = {"s1": torch.log_softmax(s1, dim=1), "s2": torch.log_softmax(s2, dim=1)}
    masks = selection_masks(log_p, inputs.label, strength=objective.strength(epoch, labels.device), objective=objective)
    for m in ("s1", "s2"):
        close(masks.segmentation[m], step, f"seg_mask_{m}")
        close(masks.consistency[m], step, f"con_mask_{m}")
    close_scalar(losses.parts["consistency"], step, "loss_consistency")
    close_scalar(losses.total, step, "loss_total")
    close(s1.grad, step, "grad_s1", GRADIENT_ATOL)
    close(s2.grad, step, "grad_s2", GRADIENT_ATOL)


def test_loss_without_selection_and_validation_loss(step: Arrays) -> None:
    s1, s2, labels, season = tensors(step, "logits_s1", "logits_s2", "labels", "season")
    plain = objective_of(step, select=False)
    logits, inputs = {"s1": s1, "s2": s2}, inputs_of(labels, season)
    losses = step_losses(logits, inputs, meta_of(step)["epoch"], plain)
    close_scalar(losses.total, step, "loss_without_selection")
    close_scalar(validation_loss(logits, inputs, plain), step, "loss_validation")


def filled_by_rule(name: str, tensor: Tensor) -> Tensor:
    """Return the tensor that the README beside the golden data prescribes for this name."""
    if not tensor.is_floating_point():
        return tensor
    shape = tuple(tensor.shape) or (1,)
    noise = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape).astype(np.float32)
    if name.endswith("running_var"):
        values = 1 + 0.1 * np.abs(noise)
    elif name.endswith("running_mean"):
        values = 0.05 * noise
    elif tensor.ndim >= 2:
        values = noise * np.sqrt(2 / np.prod(shape[1:]))
    elif name.endswith("weight"):
        values = 1 + 0.05 * noise
    else:
        values = 0.02 * noise
    return torch.from_numpy(values.astype(np.float32)).reshape(tensor.shape)


@pytest.mark.parametrize("path", FORWARD, ids=lambda path: path.stem)
def test_forward_pass(path: Path) -> None:
    with np.load(path) as file:
        golden = dict(file)
    network = build_network(
        path.stem.removeprefix("forward_"),
        s1_bands=golden["x_s1"].shape[1],
        s2_bands=golden["x_s2"].shape[1],
        classes=golden["logits_s1"].shape[1],
    ).eval()
    network.load_state_dict({name: filled_by_rule(name, t) for name, t in network.state_dict().items()})
    with torch.inference_mode():
        logits = network(torch.from_numpy(golden["x_s1"]), torch.from_numpy(golden["x_s2"]))
    for m, actual in logits.items():
        expected = golden[f"logits_{m}"]
        scale = np.abs(expected).max()
        np.testing.assert_allclose(actual.numpy(), expected, rtol=FORWARD_RTOL, atol=FORWARD_RTOL * scale, err_msg=m)


@pytest.mark.parametrize("fusion", get_args(Fusion))
def test_parameter_names_and_shapes_are_the_published_ones(fusion: Fusion) -> None:
    published = json.loads((DATA / "checkpoint_keys.json").read_text())[fusion]
    with torch.device("meta"):
        network = build_network(fusion)
    ours = {f"net.{name}": list(t.shape) for name, t in network.state_dict().items()}
    assert ours == published
    assert list(ours) == list(published)
