"""The objective against a slow, literal writing of its equations in float64, pixel by pixel and class by class."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

from training.compute import Inputs
from training.cromss import SelectionMasks, selection_masks
from training.modality import Modality
from training.objective import Objective
from training.step import StepLosses, step_losses, validation_loss

Array = NDArray[np.float64]
EPOCH = 30


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def case(seed: int, classes: int, *, batch: int = 2, ignored: float = 0.0) -> tuple[Tensor, ...]:
    """Return logits of S1 and S2, labels that share regions between seasons, and seasons."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.repeat(rng.integers(0, classes, (batch, 4, 4, 5)), 4, axis=2), 4, axis=3)
    labels[:, :, 0, 0] = classes - 1
    labels = np.where(rng.random(labels.shape) < ignored, 255, labels).astype(np.uint8)
    logits = [rng.normal(0, 2, (batch, classes, 16, 20)).astype(np.float32) for _ in range(2)]
    season = rng.integers(0, 4, batch)
    return tuple(torch.from_numpy(x) for x in (*logits, labels, season))


def inputs_of(labels: Tensor, season: Tensor, probabilities: Tensor | None = None) -> Inputs:
    """Inputs of which the step sees the labels only: the network has had the images."""
    none = torch.empty(0)
    return Inputs(s1=none, s2=none, labels=labels, season=season, probabilities=probabilities)


def both(s1: Tensor, s2: Tensor) -> dict[Modality, Tensor]:
    return {"s1": s1, "s2": s2}


def masks_of(s1: Tensor, s2: Tensor, labels: Tensor, season: Tensor, objective: Objective) -> SelectionMasks:
    log_p = {m: torch.log_softmax(x.float(), dim=1) for m, x in both(s1, s2).items()}
    return selection_masks(log_p, inputs_of(labels, season).label, epoch=EPOCH, objective=objective)


def softmax(logits: Array) -> Array:
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def oracle_target(labels: NDArray[np.uint8], season: NDArray[np.int64], classes: int, o: Objective) -> Array:
    def indicator(label: NDArray[np.uint8]) -> Array:
        return np.stack([(label == c).astype(np.float64) for c in range(classes)])

    def smooth(x: Array) -> Array:
        return np.stack([gaussian_filter(m, sigma=3, radius=12, mode="reflect") for m in x])

    samples = []
    for sample, s in zip(labels, season, strict=True):
        spatial = smooth(indicator(sample[s]))
        temporal = smooth(np.mean([indicator(one) for one in sample], axis=0))
        prior = (spatial + temporal) / 2
        rest = 1 - o.prior_factor - o.uniform_factor
        samples.append(rest * indicator(sample[s]) + o.prior_factor * prior + o.uniform_factor / classes)
    return np.stack(samples)


def oracle_masks(p: list[Array], label: NDArray[np.uint8], epoch: int, o: Objective) -> tuple[list[Array], ...]:
    classes = p[0].shape[1]
    x = min(epoch, o.ramp_epochs) / o.ramp_epochs
    r = {"exp": np.exp(-5 * (1 - x) ** 2), "linear": x, "none": 1.0}[o.ramp]
    a = 1 - r * (1 - o.final_ratio)
    f = [np.take_along_axis(q, label[:, None].astype(int), axis=1)[:, 0] for q in p]
    if o.confidence == "entropy":
        g = [1 + (q * np.log(q)).sum(axis=1) / np.log(classes) for q in p]
    else:
        g = [(q**2).sum(axis=1) for q in p]
    w, v = [], []
    for own, other in ((0, 1), (1, 0)):
        enhanced = f[own] * (1 + f[other]) / 2
        weight = np.ones_like(enhanced)
        for c in range(classes):
            of_class = np.sort(enhanced[label == c])[::-1]
            k = int(np.float32(a) * np.float32(len(of_class)))
            if k > 0 and of_class[k - 1] > 0:
                weight[label == c] = np.minimum(1, enhanced[label == c] / of_class[k - 1])
        w.append(weight)
        v.append((1 - r) + r * g[own] * (1 + g[other]) / 2)
    return w, v


def oracle_segmentation(p: Array, t: Array, w: Array) -> float:
    ce = (w * -(t * np.log(p)).sum(axis=1)).sum() / w.sum()
    dice = 0.0
    for c in range(p.shape[1]):
        if t[:, c].sum() > 0:
            dice += 1 - 2 * (w * p[:, c] * t[:, c]).sum() / max((w * (p[:, c] + t[:, c])).sum(), 1e-7)
    return float(ce + dice / p.shape[1])


DISTANCES: dict[str, Callable[[Array, Array], Array]] = {
    "ce": lambda teacher, p: -(teacher * np.log(p)).sum(axis=1),
    "kl": lambda teacher, p: (teacher * np.log(teacher / p)).sum(axis=1),
    "mse": lambda teacher, p: ((teacher - p) ** 2).sum(axis=1),
}


def oracle_loss(
    logits: list[Array], teachers: list[Array], t: Array, w: list[Array], v: list[Array], o: Objective
) -> dict[str, float]:
    p = [softmax(x) for x in logits]
    seg = [oracle_segmentation(p[d], t, w[d]) for d in (0, 1)]
    distance = DISTANCES[o.consistency]
    con = sum(
        (v[teacher] * distance(teachers[teacher], p[d])).sum() / v[teacher].sum() for d, teacher in ((0, 1), (1, 0))
    )
    return {
        "total": seg[0] + seg[1] + o.consistency_weight * con,
        "segmentation_s1": seg[0],
        "segmentation_s2": seg[1],
        "consistency": con,
    }


OBJECTIVES = {
    "paper": Objective(),
    "gini": Objective(confidence="gini"),
    "mse": Objective(consistency="mse", ramp="linear"),
    "kl_no_ramp": Objective(consistency="kl", ramp="none", final_ratio=0.3),
    "uniform_only": Objective(prior_factor=0.0, uniform_factor=0.2, final_ratio=0.1),
    "prior_only": Objective(prior_factor=0.2, uniform_factor=0.0, consistency_weight=0.25, ramp_epochs=10),
    "no_smoothing": Objective(prior_factor=0.0, uniform_factor=0.0, confidence="gini", consistency="mse"),
    "plain": Objective(select=False, consistency="mse"),
}


@pytest.mark.parametrize("classes", [2, 5, 9])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_step_equals_the_equations(name: str, classes: int) -> None:
    objective = OBJECTIVES[name]
    s1, s2, labels, season = case(classes, classes, batch=3)
    s1.requires_grad_()
    s2.requires_grad_()
    losses = step_losses(both(s1, s2), inputs_of(labels, season), EPOCH, objective)
    losses.total.backward()
    masks = masks_of(s1, s2, labels, season, objective)

    logits = [x.detach().numpy().astype(np.float64) for x in (s1, s2)]
    label = labels[torch.arange(3), season].numpy()
    t = oracle_target(labels.numpy(), season.numpy(), classes, objective)
    teachers = [softmax(x) for x in logits]
    w, v = oracle_masks(teachers, label, EPOCH, objective)
    if not objective.select:
        w = v = [np.ones(label.shape), np.ones(label.shape)]
    for d, modality in enumerate(("s1", "s2")):
        np.testing.assert_allclose(masks.segmentation[modality].numpy(), w[d], rtol=0, atol=1e-5)
        np.testing.assert_allclose(masks.consistency[modality].numpy(), v[d], rtol=0, atol=1e-5)
    for key, value in oracle_loss(logits, teachers, t, w, v, objective).items():
        assert named(losses)[key].item() == pytest.approx(value, rel=1e-5), key

    rng = np.random.default_rng(7)
    for d, gradient in enumerate((s1.grad, s2.grad)):
        direction = rng.normal(size=logits[d].shape)
        ends = []
        for step in (1e-5, -1e-5):
            moved = [x + step * direction if i == d else x for i, x in enumerate(logits)]
            ends.append(oracle_loss(moved, teachers, t, w, v, objective)["total"])
        slope = (ends[0] - ends[1]) / 2e-5
        assert float((gradient.double().numpy() * direction).sum()) == pytest.approx(slope, rel=1e-4, abs=1e-5)


def named(losses: StepLosses) -> dict[str, Tensor]:
    return {"total": losses.total, **losses.parts}


def gradients(
    objective: Objective, s1: Tensor, s2: Tensor, labels: Tensor, season: Tensor
) -> tuple[StepLosses, Tensor, Tensor]:
    s1, s2 = s1.clone().requires_grad_(), s2.clone().requires_grad_()
    losses = step_losses(both(s1, s2), inputs_of(labels, season), EPOCH, objective)
    grad_s1, grad_s2 = torch.autograd.grad(losses.total, (s1, s2))
    return losses, grad_s1, grad_s2


@pytest.mark.parametrize("name", OBJECTIVES)
def test_what_lies_under_missing_labels_has_no_influence(name: str) -> None:
    s1, s2, labels, season = case(3, 5, ignored=0.3)
    ignored_B1HW = (labels[torch.arange(2), season] == 255).unsqueeze(1)
    clean = gradients(OBJECTIVES[name], s1, s2, labels, season)
    dirt = 50 * torch.randn(s1.shape, generator=torch.Generator().manual_seed(0))
    dirty = gradients(
        OBJECTIVES[name],
        torch.where(ignored_B1HW, dirt, s1),
        torch.where(ignored_B1HW, -dirt, s2),
        labels,
        season,
    )
    assert clean[0].total.item() == dirty[0].total.item()
    for before, after in zip(clean[1:], dirty[1:], strict=True):
        assert torch.equal(before, after)
        assert (after * ignored_B1HW == 0).all()
        assert (after * ~ignored_B1HW != 0).any()


def test_a_sample_without_labels_changes_nothing() -> None:
    s1, s2, labels, season = case(4, 5, batch=3)
    labels[2] = 255
    with_it = step_losses(both(s1, s2), inputs_of(labels, season), EPOCH)
    without = step_losses(both(s1[:2], s2[:2]), inputs_of(labels[:2], season[:2]), EPOCH)
    torch.testing.assert_close(with_it.total, without.total)


def test_a_batch_without_any_label_has_no_loss_and_no_gradient() -> None:
    s1, s2, labels, season = case(4, 5)
    losses, grad_s1, grad_s2 = gradients(Objective(), s1, s2, torch.full_like(labels, 255), season)
    assert losses.total.item() == 0
    assert (grad_s1 == 0).all()
    assert (grad_s2 == 0).all()


def test_validation_loss_is_the_plain_loss_of_one_label() -> None:
    s1, s2, labels, season = case(5, 5, ignored=0.2)
    inputs = inputs_of(labels, season)
    one_label = inputs_of(inputs.label[:, None], torch.zeros(2, dtype=torch.int64))
    for objective in (Objective(), Objective(consistency="kl", consistency_weight=0.5)):
        plain = replace(objective, prior_factor=0, uniform_factor=0, select=False)
        expected = step_losses(both(s1, s2), one_label, 0, plain)
        masks = masks_of(s1, s2, labels, season, plain)
        assert torch.equal(masks.segmentation["s1"], (inputs.label != 255).float())
        assert validation_loss(both(s1, s2), inputs, objective) == expected.total
    assert validation_loss(both(s1, s2), inputs) > expected.total


def test_masks_are_off_the_graph() -> None:
    s1, s2, labels, season = case(6, 5)
    masks = masks_of(s1.requires_grad_(), s2.requires_grad_(), labels, season, Objective())
    assert not any(mask.requires_grad for kind in vars(masks).values() for mask in kind.values())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_logits_are_computed_on_in_float32(dtype: torch.dtype) -> None:
    s1, s2, labels, season = case(7, 5)
    s1, s2 = (100 * s1).to(dtype), (100 * s2).to(dtype)
    expected = step_losses(both(s1.float(), s2.float()), inputs_of(labels, season), EPOCH)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        actual = step_losses(both(s1, s2), inputs_of(labels, season), EPOCH)
    assert actual.total.dtype == torch.float32
    assert torch.isfinite(actual.total)
    assert actual.total.item() == expected.total.item()


def test_the_step_never_reads_a_value_back() -> None:
    """Fake tensors hold no values: whatever would wait for the device to tell one, or shape by one, fails on them."""
    with FakeTensorMode():
        s1, s2 = (torch.randn(2, 9, 16, 20, requires_grad=True) for _ in range(2))
        labels = torch.empty(2, 4, 16, 20, dtype=torch.uint8)
        losses = step_losses(both(s1, s2), inputs_of(labels, torch.empty(2, dtype=torch.int64)), EPOCH)
        losses.total.backward()
        assert s1.grad.shape == s1.shape
        with pytest.raises(DataDependentOutputException):
            losses.total.item()


def test_shapes_that_do_not_agree_are_refused() -> None:
    s1, s2, labels, season = case(9, 5)
    with pytest.raises(ValueError, match=r"\(2, 16, 18\)"):
        step_losses(both(s1, s2), inputs_of(labels[..., :18], season), EPOCH)
    with pytest.raises(ValueError, match=r"\(2, 4, 16, 20\) for S2"):
        validation_loss(both(s1, s2[:, :4]), inputs_of(labels, season))


@pytest.mark.parametrize(
    "wrong",
    [
        {"prior_factor": -0.1},
        {"prior_factor": 0.8, "uniform_factor": 0.3},
        {"final_ratio": 0.0},
        {"final_ratio": 1.5},
        {"ramp_epochs": -1},
        {"consistency_weight": -1.0},
        {"consistency": "l1"},
        {"confidence": "ce"},
        {"ramp": "cosine"},
    ],
    ids=str,
)
def test_objective_out_of_range_is_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Objective(**wrong)
