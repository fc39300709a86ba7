import os
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.checks.offset import OFFSET_DN, dark_level
from pipeline.quality import QualitySettings
from pipeline.schema.bands import S2_BANDS

REAL = Path(os.environ.get("NOLDO_REAL", Path(__file__).resolve().parents[4] / "shared" / "real"))
TOGO = REAL / "s1_s2_l1c_monthly_togo.tif"
LIMIT = QualitySettings().s2_max_dark_level or 0.0


def bright(px: int = 132) -> np.ndarray:
    """A desert under haze: every band well above the offset but the cirrus band, which sees the air alone."""
    rng = np.random.default_rng(0)
    s2 = rng.normal(3500, 200, (13, px, px))
    s2[S2_BANDS.index("B10")] = rng.normal(30, 12, (px, px))
    return np.clip(np.rint(s2), 1, None).astype(np.uint16)


def test_bright_ground_is_dark_somewhere_until_the_offset_is_added() -> None:
    seen = np.ones((132, 132), np.bool_)
    clean = dark_level(bright(), seen)
    assert clean < 30
    assert dark_level(bright() + np.uint16(1000), seen) == pytest.approx(clean + OFFSET_DN, abs=0.5)


def test_noise_about_zero_does_not_hide_the_offset() -> None:
    rng = np.random.default_rng(1)
    s2 = bright() + np.uint16(1000)
    s2[S2_BANDS.index("B10")] = rng.normal(1000, 25, (132, 132))
    assert LIMIT < dark_level(s2, np.ones((132, 132), np.bool_)) < 1000


def test_pixels_that_were_not_observed_are_not_dark_pixels() -> None:
    s2, seen = bright() + np.uint16(1000), np.ones((132, 132), np.bool_)
    s2[:, :60], seen[:60] = 0, False
    assert dark_level(s2, seen) >= LIMIT
    assert dark_level(s2, np.zeros_like(seen)) == 0.0


def test_a_few_dead_pixels_do_not_hide_the_offset() -> None:
    s2 = bright() + np.uint16(1000)
    s2[S2_BANDS.index("B11"), ::40, ::40] = 0
    assert dark_level(s2, np.ones((132, 132), np.bool_)) >= LIMIT


@settings(max_examples=30, deadline=None)
@given(side=st.integers(1, 120), level=st.integers(0, 3000))
def test_the_level_of_even_ground_is_its_darkest_band(side: int, level: int) -> None:
    s2 = np.full((13, side, side), 4000, np.uint16)
    s2[7] = level
    assert dark_level(s2, np.ones((side, side), np.bool_)) == level


@pytest.mark.skipif(not TOGO.exists(), reason="the real pixels are not here")
def test_real_months_stay_far_below_the_offset() -> None:
    """Twelve months of real L1C pixels, cloudy ones among them; without the cirrus band none would be dark."""
    with rasterio.open(TOGO) as file:
        table = file.read()[: 12 * 17].reshape(12, 17, *file.shape)
    s2 = np.clip(table[:, 2:15], 0, 65_535).astype(np.uint16)
    seen = np.ones(s2.shape[-2:], np.bool_)
    levels = [dark_level(month, seen) for month in s2]
    assert max(levels) < 250
    assert min(dark_level(month + np.uint16(1000), seen) for month in s2) > LIMIT
