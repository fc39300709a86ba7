import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.checks.shift import sensor_shift

PX = 132
MARGIN = 20
SEEN = np.ones((PX, PX), np.bool_)


def fields(seed: int) -> NDArray[np.float32]:
    """Parcels of even cover, (PX + 2 MARGIN) a side, each at a level of its own, 0..1."""
    rng = np.random.default_rng(seed)
    side = PX + 2 * MARGIN
    y, x = np.mgrid[:side, :side]
    seeds = rng.uniform(0, side, (60, 2))
    nearest = np.argmin((y[..., None] - seeds[:, 0]) ** 2 + (x[..., None] - seeds[:, 1]) ** 2, axis=-1)
    return rng.uniform(0, 1, 60).astype(np.float32)[nearest]


def season(seed: int, east: int, south: int) -> tuple[NDArray[np.uint16], NDArray[np.float32]]:
    """Both sensors over the same parcels, Sentinel-1 displaced by whole pixels; its levels rise where S2's fall."""
    rng = np.random.default_rng(seed + 1)
    land = fields(seed)
    inner = slice(MARGIN, MARGIN + PX)
    bands = rng.uniform(500, 3000, 13)[:, None, None] * (0.5 + land[inner, inner])
    s2 = np.rint(bands + rng.normal(0, 30, bands.shape)).astype(np.uint16)
    moved = land[MARGIN - south : MARGIN - south + PX, MARGIN - east : MARGIN - east + PX]
    speckle = rng.gamma(4.4, 1 / 4.4, (2, PX, PX))
    s1 = np.array([-8.0, -15.0])[:, None, None] - 6 * moved + 10 * np.log10(speckle)
    return s2, s1.astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 99), east=st.integers(-15, 15), south=st.integers(-15, 15))
def test_a_shift_is_found_with_its_sign(seed: int, east: int, south: int) -> None:
    found = sensor_shift(*season(seed, east, south), SEEN)
    assert found.confidence > 8
    assert found.east_m == pytest.approx(10 * east, abs=8)
    assert found.south_m == pytest.approx(10 * south, abs=8)


def test_a_missing_corner_does_not_move_it() -> None:
    s2, s1 = season(3, 4, -2)
    seen = SEEN.copy()
    seen[:50, :70] = False
    s2[:, ~seen] = 0
    s1[:, ~seen] = -9999.0
    found = sensor_shift(s2, s1, seen)
    assert found.confidence > 8
    assert (found.east_m, found.south_m) == (pytest.approx(40, abs=8), pytest.approx(-20, abs=8))


def test_sensors_that_see_nothing_alike_give_no_confidence() -> None:
    for seed in range(8):
        found = sensor_shift(season(seed, 0, 0)[0], season(seed + 50, 0, 0)[1], SEEN)
        assert found.confidence < 8


@pytest.mark.parametrize("case", ["flat", "mostly unseen", "small", "not a number"])
def test_where_nothing_can_be_said_the_confidence_is_nought(case: str) -> None:
    s2, s1 = season(1, 2, 2)
    seen = SEEN.copy()
    if case == "flat":
        s2[:], s1[:] = 700, -12.0
    elif case == "mostly unseen":
        seen[: PX * 3 // 5] = False
    elif case == "small":
        s2, s1, seen = s2[:, :24, :24], s1[:, :24, :24], seen[:24, :24]
    else:
        s1[:], seen[:] = np.nan, False
    found = sensor_shift(s2, s1, seen)
    assert (found.east_m, found.south_m, found.confidence) == (0.0, 0.0, 0.0)


def test_a_shift_beyond_reach_is_not_made_up() -> None:
    found = sensor_shift(*season(2, 20, 0), SEEN)
    assert found.confidence < 8
