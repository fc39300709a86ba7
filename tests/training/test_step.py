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
from torch.utils._python_dispatch import TorchDispatchMode

from training.augment import centre
from training.compute import Compute, Inputs, network_inputs
from training.cromss import SelectionMasks, selection_masks
from training.loader import Batch
from training.modality import Modality
from training.network import network_for
from training.objective import Objective
from training.settings import PretrainSettings
from training.smoothing import one_hot
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


def masks_of(
    s1: Tensor, s2: Tensor, labels: Tensor, season: Tensor, objective: Objective, soft: Tensor | None = None
) -> SelectionMasks:
    log_p = {m: torch.log_softmax(x.float(), dim=1) for m, x in both(s1, s2).items()}
    at_epoch = objective.strength(EPOCH, labels.device)
    return selection_masks(log_p, inputs_of(labels, season).label, soft, strength=at_epoch, objective=objective)


def softmax(logits: Array) -> Array:
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def soft_case(seed: int, labels: Tensor, season: Tensor, classes: int) -> Tensor:
    """Probabilities whose likeliest class is the season's label; 0 where there is none."""
    rng = np.random.default_rng(seed)
    label = inputs_of(labels, season).label.numpy()
    share = rng.dirichlet(np.ones(classes), label.shape).astype(np.float32)
    share = np.moveaxis(np.sort(share, axis=-1), -1, 1)
    own = np.where(label == 255, 0, label)[:, None].astype(np.int64)
    last = np.take_along_axis(share, own, axis=1)
    np.put_along_axis(share, own, share[:, -1:], axis=1)
    share[:, -1:] = np.where(own == classes - 1, share[:, -1:], last)
    assert (share.argmax(1) == own[:, 0]).all()
    return torch.from_numpy(np.where((label == 255)[:, None], 0.0, share).astype(np.float32))


def oracle_target(
    labels: NDArray[np.uint8], season: NDArray[np.int64], classes: int, o: Objective, soft: Array | None
) -> Array:
    def indicator(label: NDArray[np.uint8]) -> Array:
        return np.stack([(label == c).astype(np.float64) for c in range(classes)])

    def smooth(x: Array) -> Array:
        return np.stack([gaussian_filter(m, sigma=3, radius=12, mode="reflect") for m in x])

    samples = []
    for i, (sample, s) in enumerate(zip(labels, season, strict=True)):
        own = indicator(sample[s]) if soft is None else soft[i]
        spatial = smooth(indicator(sample[s]))
        temporal = smooth(np.mean([indicator(one) for one in sample], axis=0))
        prior = (spatial + temporal) / 2
        rest = 1 - o.prior_factor - o.uniform_factor
        samples.append(rest * own + o.prior_factor * prior + o.uniform_factor / classes)
    return np.stack(samples)


def oracle_masks(
    p: list[Array], label: NDArray[np.uint8], epoch: int, o: Objective, soft: Array | None
) -> tuple[list[Array], ...]:
    classes = p[0].shape[1]
    x = min(epoch, o.ramp_epochs) / o.ramp_epochs
    r = {"exp": np.exp(-5 * (1 - x) ** 2), "linear": x, "none": 1.0}[o.ramp]
    a = 1 - r * (1 - o.final_ratio)
    f = [np.take_along_axis(q, label[:, None].astype(int), axis=1)[:, 0] for q in p]
    if soft is not None:
        f = [(soft * q).sum(axis=1) for q in p]
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


def oracle_lovasz(p: Array, t: Array, w: Array) -> float:
    """Each class's loss steps from one set of wrong pixels to the next larger one, the worst pixels first."""
    losses = []
    for c in np.unique(t.argmax(axis=1)):
        own, error = (t.argmax(axis=1) == c).ravel(), (w * np.abs((t.argmax(axis=1) == c) - p[:, c])).ravel()
        worst = np.argsort(-error, kind="stable")
        kept = own.sum() - np.cumsum(own[worst])
        jaccard = 1 - kept / (own.sum() + np.cumsum(~own[worst]))
        losses.append((error[worst] * np.diff(jaccard, prepend=0.0)).sum())
    return float(np.mean(losses))


def oracle_segmentation(p: Array, t: Array, w: Array, o: Objective) -> float:
    more = o.lovasz_weight * oracle_lovasz(p, t, w) if o.lovasz_weight else 0.0
    return oracle_pixels(p, t, w, o) + more


def oracle_pixels(p: Array, t: Array, w: Array, o: Objective) -> float:
    ce = (w * -(t * np.log(p)).sum(axis=1)).sum() / w.sum()
    if o.segmentation == "sce":
        rce = (w * -(p * np.log(np.maximum(t, 1e-4))).sum(axis=1)).sum() / w.sum()
        return float(o.sce_alpha * ce + o.sce_beta * rce)
    if o.segmentation == "gce":
        return float((w * (t * (1 - p**o.gce_q) / o.gce_q).sum(axis=1)).sum() / w.sum())
    if o.segmentation == "ce":
        return float(ce)
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
    seg = [oracle_segmentation(p[d], t, w[d], o) for d in (0, 1)]
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
    "sce": Objective(segmentation="sce"),
    "sce_unsmoothed": Objective(
        segmentation="sce", sce_alpha=0.5, sce_beta=1.5, prior_factor=0.0, uniform_factor=0.0, select=False
    ),
    "gce": Objective(segmentation="gce", gce_q=0.4),
    "ce_lovasz": Objective(segmentation="ce", lovasz_weight=0.7),
    "sce_lovasz": Objective(segmentation="sce", lovasz_weight=1.0, prior_factor=0.0, uniform_factor=0.0, select=False),
    "soft": Objective(labels="soft"),
    "soft_gce": Objective(labels="soft", segmentation="gce", confidence="gini", consistency="kl"),
}


@pytest.mark.parametrize("classes", [2, 5, 9])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_step_equals_the_equations(name: str, classes: int) -> None:
    objective = OBJECTIVES[name]
    s1, s2, labels, season = case(classes, classes, batch=3)
    soft = soft_case(classes, labels, season, classes) if objective.labels == "soft" else None
    s1.requires_grad_()
    s2.requires_grad_()
    losses = step_losses(both(s1, s2), inputs_of(labels, season, soft), EPOCH, objective)
    losses.total.backward()
    masks = masks_of(s1, s2, labels, season, objective, soft)
    soft = None if soft is None else soft.double().numpy()

    logits = [x.detach().numpy().astype(np.float64) for x in (s1, s2)]
    label = labels[torch.arange(3), season].numpy()
    t = oracle_target(labels.numpy(), season.numpy(), classes, objective, soft)
    teachers = [softmax(x) for x in logits]
    w, v = oracle_masks(teachers, label, EPOCH, objective, soft)
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
    objective: Objective, s1: Tensor, s2: Tensor, labels: Tensor, season: Tensor, soft: Tensor | None = None
) -> tuple[StepLosses, Tensor, Tensor]:
    s1, s2 = s1.clone().requires_grad_(), s2.clone().requires_grad_()
    losses = step_losses(both(s1, s2), inputs_of(labels, season, soft), EPOCH, objective)
    grad_s1, grad_s2 = torch.autograd.grad(losses.total, (s1, s2))
    return losses, grad_s1, grad_s2


@pytest.mark.parametrize("name", OBJECTIVES)
def test_what_lies_under_missing_labels_has_no_influence(name: str) -> None:
    s1, s2, labels, season = case(3, 5, ignored=0.3)
    ignored_B1HW = (labels[torch.arange(2), season] == 255).unsqueeze(1)
    soft = soft_case(3, labels, season, 5)
    clean = gradients(OBJECTIVES[name], s1, s2, labels, season, soft)
    dirt = 50 * torch.randn(s1.shape, generator=torch.Generator().manual_seed(0))
    dirty = gradients(
        OBJECTIVES[name],
        torch.where(ignored_B1HW, dirt, s1),
        torch.where(ignored_B1HW, -dirt, s2),
        labels,
        season,
        torch.where(ignored_B1HW, 0.2, soft),
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


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_step_shapes_nothing_by_a_value(name: str) -> None:
    """Fake tensors hold no values: whatever would wait for the device to tell one, or shape by one, fails on them."""
    with FakeTensorMode():
        s1, s2 = (torch.randn(2, 9, 16, 20, requires_grad=True) for _ in range(2))
        labels = torch.empty(2, 4, 16, 20, dtype=torch.uint8)
        inputs = inputs_of(labels, torch.empty(2, dtype=torch.int64), torch.rand(2, 9, 16, 20))
        losses = step_losses(both(s1, s2), inputs, EPOCH, OBJECTIVES[name])
        losses.total.backward()
        assert s1.grad.shape == s1.shape
        with pytest.raises(DataDependentOutputException):
            losses.total.item()


class NoWaiting(TorchDispatchMode):
    """Refuses the operations that make the host wait for a GPU: reading a value, and shapes that depend on values."""

    WAITING = tuple(getattr(torch.ops.aten, name) for name in ("_local_scalar_dense", "nonzero", "masked_select"))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert func.overloadpacket not in self.WAITING, f"{func} waits for the device"
        if func.overloadpacket in (torch.ops.aten.index, torch.ops.aten.index_put, torch.ops.aten.index_put_):
            masks = [i for i in args[1] if i is not None and i.dtype in (torch.bool, torch.uint8)]
            assert not masks, f"{func} by a mask waits for the device"
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("modalities", ["both", "s1"])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_step_never_waits_for_the_device(name: str, modalities: str) -> None:
    settings = PretrainSettings(
        modalities=modalities, encoder="resnet18", decoder_channels=(8, 8, 8), s2_bands=9, device="cpu"
    )
    network = network_for(settings)
    _, _, labels, season = case(1, 9, ignored=0.2)
    soft = soft_case(1, labels, season, 9)
    labels, soft = labels.repeat(1, 1, 2, 2)[..., :32, :32], soft.repeat(1, 1, 2, 2)[..., :32, :32]
    inputs = Inputs(torch.rand(2, 2, 32, 32), torch.rand(2, 9, 32, 32), labels, season, soft)
    with NoWaiting():
        losses = step_losses(network(inputs.s1, inputs.s2), inputs, EPOCH, OBJECTIVES[name])
        losses.total.backward()
        with pytest.raises(AssertionError, match="waits"):
            losses.total.item()
        with pytest.raises(AssertionError, match="waits"):
            inputs.s1[inputs.s1 > 0.5]
    assert any(p.grad is not None and p.grad.any() for p in network.parameters())


def test_an_unlabelled_location_s_images_have_no_influence() -> None:
    """Through the network too, its batch norm on stored statistics so that samples do not meet in it."""
    network = network_for(PretrainSettings(encoder="resnet18", decoder_channels=(8, 8, 8))).eval()
    rng = np.random.default_rng(0)
    labels = torch.from_numpy(rng.integers(0, 9, (3, 4, 40, 40)).astype(np.uint8))
    labels[1] = 255
    found = []
    for other in (0, 200):
        images = {m: np.random.default_rng(1).integers(0, 256, (3, b, 40, 40)) for m, b in (("s1", 2), ("s2", 13))}
        for m in images:
            images[m][1] = other
        batch = Batch(
            np.arange(3),
            *(torch.from_numpy(images[m].astype(np.uint8)) for m in ("s1", "s2")),
            labels,
            torch.tensor([0, 1, 2]),
        )
        inputs = network_inputs(batch, centre(3, 32, 40), s2_bands=13, compute=Compute(torch.device("cpu"), False))
        losses = step_losses(network(inputs.s1, inputs.s2), inputs, EPOCH)
        network.zero_grad()
        losses.total.backward()
        found.append((losses.total.detach(), [p.grad.clone() for p in network.parameters() if p.grad is not None]))
    assert torch.equal(found[0][0], found[1][0])
    for before, after in zip(found[0][1], found[1][1], strict=True):
        torch.testing.assert_close(before, after, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("modality", ["s1", "s2"])
def test_one_modality_has_its_segmentation_loss_alone_and_every_label_in_full(name: str, modality: Modality) -> None:
    objective = OBJECTIVES[name]
    s1, s2, labels, season = case(2, 5, ignored=0.2)
    soft = soft_case(2, labels, season, 5)
    logits = both(s1, s2)
    alone = step_losses({modality: logits[modality]}, inputs_of(labels, season, soft), EPOCH, objective)
    together = step_losses(logits, inputs_of(labels, season, soft), EPOCH, replace(objective, select=False))
    assert list(alone.parts) == [f"segmentation_{modality}"]
    assert alone.total == alone.parts[f"segmentation_{modality}"] == together.parts[f"segmentation_{modality}"]
    inputs = inputs_of(labels, season, soft)
    assert validation_loss({modality: logits[modality]}, inputs, objective) > 0


def test_a_label_s_confidence_weighs_its_segmentation_loss_and_nothing_else() -> None:
    s1, s2, labels, season = case(8, 5)
    confidence = torch.rand(2, 16, 20, generator=torch.Generator().manual_seed(0))
    sure = replace(inputs_of(labels, season), confidence=confidence)
    plain = Objective(segmentation="ce", select=False)
    weighed = replace(plain, weigh_by_confidence=True)
    found = step_losses(both(s1, s2), sure, EPOCH, weighed)
    target = oracle_target(labels.numpy(), season.numpy(), 5, plain, None)
    w = confidence.double().numpy()
    ce = -(target * np.log(softmax(s1.double().numpy()))).sum(axis=1)
    assert found.parts["segmentation_s1"].item() == pytest.approx((w * ce).sum() / w.sum(), rel=1e-5)
    assert found.parts["consistency"] == step_losses(both(s1, s2), sure, EPOCH, plain).parts["consistency"]
    half = replace(sure, confidence=torch.full_like(confidence, 0.5))
    torch.testing.assert_close(
        step_losses(both(s1, s2), half, EPOCH, weighed).total, step_losses(both(s1, s2), sure, EPOCH, plain).total
    )
    assert validation_loss(both(s1, s2), inputs_of(labels, season), weighed) > 0
    with pytest.raises(ValueError, match="the inputs have no confidence"):
        step_losses(both(s1, s2), inputs_of(labels, season), EPOCH, weighed)


def test_certain_soft_labels_are_hard_ones() -> None:
    s1, s2, labels, season = case(6, 5, ignored=0.2)
    certain = one_hot(inputs_of(labels, season).label, classes=5)
    for objective in (Objective(), Objective(segmentation="sce"), Objective(select=False)):
        hard = step_losses(both(s1, s2), inputs_of(labels, season), EPOCH, objective)
        soft = step_losses(both(s1, s2), inputs_of(labels, season, certain), EPOCH, replace(objective, labels="soft"))
        torch.testing.assert_close(soft.total, hard.total)


def test_soft_labels_that_were_not_read_are_missed() -> None:
    s1, s2, labels, season = case(6, 5)
    with pytest.raises(ValueError, match="read the batches with them"):
        step_losses(both(s1, s2), inputs_of(labels, season), EPOCH, Objective(labels="soft"))


def test_shapes_that_do_not_agree_are_refused() -> None:
    s1, s2, labels, season = case(9, 5)
    with pytest.raises(ValueError, match=r"\(2, 16, 18\)"):
        step_losses(both(s1, s2), inputs_of(labels[..., :18], season), EPOCH)
    with pytest.raises(ValueError, match=r"\(2, 4, 16, 20\) for S2"):
        validation_loss(both(s1, s2[:, :4]), inputs_of(labels, season))
