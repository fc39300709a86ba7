"""Sums of an epoch are those of plain Python, and go on where they stopped."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from training.loss_sums import LossSums
from training.step import StepLosses
from training.world import ALONE

CPU = torch.device("cpu")

steps_of = st.lists(
    st.tuples(st.floats(0, 100, width=32), st.floats(0, 100, width=32), st.integers(1, 200)), min_size=1
)


def losses(total: float, consistency: float) -> StepLosses:
    return StepLosses(torch.tensor(total), {"consistency": torch.tensor(consistency)})


@settings(deadline=None, max_examples=25)
@given(steps=steps_of, cut=st.integers(0, 20))
def test_means_are_over_locations_wherever_the_epoch_was_cut(steps: list[tuple[float, float, int]], cut: int) -> None:
    sums, before = LossSums(CPU, {}, 0), None
    for number, (total, consistency, locations) in enumerate(steps):
        if number == cut:
            before = sums.totals(ALONE)
            sums = LossSums(CPU, *sums.own())
        sums.add(losses(total, consistency), locations)
    found = sums.totals(ALONE, True, False)
    n = sum(locations for *_, locations in steps)
    expected = {"train_loss": 0.0, "consistency": 0.0}
    for total, consistency, locations in steps:
        expected["train_loss"] += total * locations
        expected["consistency"] += consistency * locations
    assert found.sums == expected
    assert (found.locations, found.flags) == (n, (True, False))
    assert found.means_since(None) == {name: value / n for name, value in expected.items()}
    if before is not None and before.locations:
        later = steps[cut:]
        mean = sum(t * k for t, _, k in later) / sum(k for *_, k in later)
        assert found.means_since(before)["train_loss"] == pytest.approx(mean, abs=1e-6)


def test_a_loss_that_is_no_number_shows_however_late_one_looks() -> None:
    sums = LossSums(CPU, {}, 0)
    for total in (1.0, float("nan"), 1.0):
        sums.add(losses(total, 0.0), 2)
    assert not torch.isfinite(torch.tensor(sums.totals(ALONE).means_since(None)["train_loss"]))
