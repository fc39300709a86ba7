import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from training.analysis.batch_norm import EPSILON, divergences_over_epochs, gaussian_kl, layer_divergences
from training.analysis.runs import PretrainRun, Runs
from training.analysis.unet_parts import unet_weights
from training.weight_files import read_weights

MEANS, DEVIATIONS = st.floats(-3, 3), st.floats(0.3, 3)


def numeric_kl(mean_a: float, std_a: float, mean_b: float, std_b: float) -> float:
    a, b = norm(mean_a, std_a), norm(mean_b, std_b)
    value, _ = quad(lambda x: a.pdf(x) * (a.logpdf(x) - b.logpdf(x)), mean_a - 12 * std_a, mean_a + 12 * std_a)
    return float(value)


@settings(deadline=None, max_examples=30)
@given(MEANS, DEVIATIONS, MEANS, DEVIATIONS)
def test_the_divergence_is_the_integral(mean_a: float, std_a: float, mean_b: float, std_b: float) -> None:
    a, b = (np.array([mean_a]), np.array([std_a**2])), (np.array([mean_b]), np.array([std_b**2]))
    assert gaussian_kl(*a, *b)[0] == pytest.approx(numeric_kl(mean_a, std_a, mean_b, std_b), abs=1e-6)


def test_a_layer_is_the_mean_of_its_channels_in_both_directions() -> None:
    rng = np.random.default_rng(0)
    figures = {who: (rng.normal(size=5), rng.uniform(0.2, 2, size=5)) for who in "ab"}
    weights = {
        who: {
            "encoder.bn.running_mean": torch.from_numpy(mean),
            "encoder.bn.running_var": torch.from_numpy(var - EPSILON),
            "encoder.conv.weight": torch.zeros(3),
        }
        for who, (mean, var) in figures.items()
    }
    both = [
        (numeric_kl(ma, va**0.5, mb, vb**0.5) + numeric_kl(mb, vb**0.5, ma, va**0.5)) / 2
        for ma, va, mb, vb in zip(*figures["a"], *figures["b"], strict=True)
    ]
    found = layer_divergences(weights["a"], weights["b"])
    assert found == {"encoder.bn": pytest.approx(np.mean(both), rel=1e-6)}
    assert layer_divergences(weights["b"], weights["a"]) == pytest.approx(found)


def test_a_channel_that_never_varies_is_finite_and_other_shapes_are_left_out() -> None:
    dead = {"encoder.bn.running_mean": torch.zeros(2), "encoder.bn.running_var": torch.tensor([0.0, 1.0])}
    assert layer_divergences(dead, dead) == {"encoder.bn": 0.0}
    wider = {"encoder.bn.running_mean": torch.zeros(3), "encoder.bn.running_var": torch.ones(3)}
    assert layer_divergences(dead, wider) == {}


def test_two_runs_are_compared_where_both_have_a_network(runs: Runs) -> None:
    both, single = runs.pretraining
    rows = divergences_over_epochs([both, single])
    assert {row.epoch for row in rows} == {0, 1, 2}
    assert {row.modality for row in rows} == {"s2"}  # what both of them see
    assert {row.part for row in rows} == {"encoder", "decoder"}
    # Untrained networks have batch norm's initial statistics, whatever their weights.
    assert all(row.kl == 0.0 for row in rows if row.epoch == 0)
    assert all(row.kl > 0.0 for row in rows if row.epoch == 2)
    one = next(row for row in rows if row.epoch == 2 and row.layer == "encoder.model.bn1")
    mine, theirs = (unet_weights(read_weights(run.last.path), run.settings, "s2") for run in (both, single))
    assert one.kl == pytest.approx(layer_divergences(mine, theirs)["encoder.model.bn1"])


def test_a_run_alone_is_compared_with_its_own_last_epoch(both: PretrainRun) -> None:
    rows = divergences_over_epochs([both])
    assert {row.modality for row in rows} == {"s1", "s2"}
    assert all(row.run == row.other for row in rows)
    assert all(row.kl == 0.0 for row in rows if row.epoch == 2)
    assert any(row.kl > 0.0 for row in rows if row.epoch == 1)
