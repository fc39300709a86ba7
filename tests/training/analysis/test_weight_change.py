import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy

from training.analysis.weight_change import BINS, SMOOTHING, group_of, histogram_kl, weight_changes


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.floats(-1, 1), st.floats(0.1, 3))
def test_the_divergence_is_scipys(seed: int, shift: float, scale: float) -> None:
    rng = np.random.default_rng(seed)
    p, q = rng.normal(size=300), shift + scale * rng.normal(size=200)
    low, high = min(p.min(), q.min()), max(p.max(), q.max())
    edges = np.linspace(low, high, BINS + 1)
    counts = [np.histogram(sample, edges)[0] + SMOOTHING for sample in (p, q)]
    assert histogram_kl(p, q) == pytest.approx(entropy(*counts))  # scipy normalises them itself


def test_equal_weights_do_not_diverge() -> None:
    weights = np.random.default_rng(0).normal(size=1000)
    assert histogram_kl(weights, weights) == 0.0
    assert histogram_kl(np.zeros(10), np.zeros(10)) == 0.0


def test_groups_and_whole_parts() -> None:
    torch.manual_seed(0)
    before = {
        "encoder.conv1.weight": torch.randn(8, 3, 3, 3),
        "encoder.bn1.weight": torch.randn(8),  # no kernel
        "encoder.layer1.0.conv1.weight": torch.randn(8, 8, 3, 3),
        "encoder.layer1.1.conv1.weight": torch.randn(8, 8, 3, 3),
        "decoder.blocks.0.conv1.0.weight": torch.randn(4, 8, 3, 3),
        "decoder.blocks.1.conv1.0.weight": torch.randn(4, 4, 3, 3),
        "segmentation_head.0.weight": torch.randn(9, 4, 3, 3),
    }
    after = {name: tensor.clone() for name, tensor in before.items()}
    after["decoder.blocks.1.conv1.0.weight"] *= 2.0
    after["decoder.blocks.2.conv1.0.weight"] = torch.randn(4, 4, 3, 3)  # only there after
    found = {(change.part, change.group): change for change in weight_changes(before, after)}
    assert list(found) == [
        ("encoder", "conv1"), ("encoder", "layer1"), ("decoder", "blocks.0"), ("decoder", "blocks.1"),
        ("encoder", "all"), ("decoder", "all"),
    ]  # fmt: skip
    assert found["encoder", "layer1"].weights == 2 * 8 * 8 * 9
    moved = {place for place, change in found.items() if change.kl > 0.0}
    assert moved == {("decoder", "blocks.1"), ("decoder", "all")}
    change = found["decoder", "blocks.1"]
    flat = [w["decoder.blocks.1.conv1.0.weight"].flatten().double().numpy() for w in (before, after)]
    assert change.kl_before_after == histogram_kl(flat[0], flat[1])
    assert change.kl_after_before == histogram_kl(flat[1], flat[0])
    assert change.kl == (change.kl_before_after + change.kl_after_before) / 2


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("conv1.weight", "conv1"),
        ("model.conv1.0.weight", "conv1"),
        ("layer3.0.conv2.weight", "layer3"),
        ("model.layer3.0.conv2.weight", "layer3"),
        ("blocks.4.conv1.0.weight", "blocks.4"),
        ("layer2.weight", "layer2"),
    ],
)
def test_groups_by_name(name: str, group: str) -> None:
    assert group_of(name) == group
