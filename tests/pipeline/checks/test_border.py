import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.checks.border import border_noise_share
from pipeline.schema.bands import S1_NODATA

PX = 96
SEEN = np.ones((PX, PX), np.bool_)


def scene(level_db: float = -12.0, seed: int = 0) -> NDArray[np.float32]:
    """Even ground with speckle, (2, PX, PX) dB."""
    speckle = 10 * np.log10(np.random.default_rng(seed).gamma(4.4, 1 / 4.4, (2, PX, PX)))
    return (np.array([level_db, level_db - 7])[:, None, None] + speckle).astype(np.float32)


def noise(mask: NDArray[np.bool_], seed: int = 0) -> NDArray[np.float32]:
    s1 = scene(seed=seed)
    s1[:, mask] = np.random.default_rng(seed).uniform(-55, -33, (2, np.count_nonzero(mask)))
    return s1


@settings(max_examples=40, deadline=None)
@given(slope=st.floats(-3, 3), width=st.floats(6, 60), at=st.floats(0, PX), across=st.booleans())
def test_a_strip_that_crosses_the_patch_is_counted_whole(slope: float, width: float, at: float, across: bool) -> None:
    y, x = np.mgrid[:PX, :PX].astype(float)
    distance = (x - at - slope * (y - PX / 2)) / np.hypot(1, slope)
    strip = np.abs(distance) < width / 2
    strip = strip.T if across else strip
    share = border_noise_share(noise(strip), SEEN)
    rim = 2 * PX * 3 / PX**2
    assert share <= strip.mean()
    assert share >= strip.mean() - rim


def test_a_strip_beside_what_was_not_observed_is_counted() -> None:
    x = np.arange(PX)[None, :] + np.arange(PX)[:, None] / 5
    gone, strip = x < 30, (x >= 30) & (x < 40)
    s1 = noise(strip)
    s1[:, gone] = S1_NODATA
    assert border_noise_share(s1, ~gone) == pytest.approx(strip.mean(), abs=0.01)


def test_noise_within_a_scene_is_no_border() -> None:
    pond = np.zeros((PX, PX), np.bool_)
    pond[30:50, 30:50] = True
    assert border_noise_share(noise(pond), SEEN) == 0.0


@pytest.mark.parametrize("level_db", [-12.0, -20.0, -25.0])
def test_speckle_over_water_is_no_noise(level_db: float) -> None:
    s1 = scene(level_db)
    assert border_noise_share(s1, SEEN) == 0.0


def test_an_image_of_noise_and_one_of_nothing() -> None:
    assert border_noise_share(noise(SEEN), SEEN) == 1.0
    nothing = np.full((2, PX, PX), S1_NODATA, np.float32)
    assert border_noise_share(nothing, ~SEEN) == 0.0
    assert border_noise_share(np.full((2, PX, PX), np.nan, np.float32), ~SEEN) == 0.0


def test_dark_vh_alone_is_no_noise() -> None:
    s1 = scene()
    s1[1] = -38.0
    assert border_noise_share(s1, SEEN) == 0.0
