import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.ramp import ramp, selection_ratio


@pytest.mark.parametrize(
    ("epoch", "expected"), [(0, math.exp(-5)), (40, math.exp(-1.25)), (79, math.exp(-5 / 6400)), (80, 1), (150, 1)]
)
def test_exp_ramp(epoch: int, expected: float) -> None:
    assert ramp(epoch, ramp_epochs=80, shape="exp") == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("epoch", "expected"), [(0, 0.0), (20, 0.25), (80, 1.0), (81, 1.0)])
def test_linear_ramp(epoch: int, expected: float) -> None:
    assert ramp(epoch, ramp_epochs=80, shape="linear") == expected


def test_no_ramp_selects_in_full_from_the_start() -> None:
    assert ramp(0, ramp_epochs=80, shape="none") == 1.0
    assert ramp(0, ramp_epochs=0, shape="exp") == 1.0


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 300), st.integers(0, 200), st.sampled_from(["exp", "linear", "none"]))
def test_ramp_rises_to_one(epoch: int, ramp_epochs: int, shape: str) -> None:
    now, later = (ramp(e, ramp_epochs=ramp_epochs, shape=shape) for e in (epoch, epoch + 1))
    assert 0.0 <= now <= later <= 1.0


def test_selection_ratio_falls_from_one_to_the_final_ratio() -> None:
    assert selection_ratio(0.0, final_ratio=0.5) == 1.0
    assert selection_ratio(0.5, final_ratio=0.5) == 0.75
    assert selection_ratio(1.0, final_ratio=0.2) == pytest.approx(0.2)


def test_negative_epoch_is_refused() -> None:
    with pytest.raises(ValueError, match="epoch is -1"):
        ramp(-1, ramp_epochs=80, shape="exp")
