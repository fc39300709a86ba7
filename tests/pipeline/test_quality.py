from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pydantic import ValidationError

from pipeline.quality import QualitySettings, assess
from pipeline.schema.bands import S1_NODATA, S2_BANDS
from pipeline.schema.records import Lack, Patch

MakePatch = Callable[..., Patch]

SETTINGS = QualitySettings(dw_min_valid_share=0.6, s2_min_valid_share=0.99, s1_min_valid_share=0.99)


def test_a_good_patch_is_kept_with_its_figures(make_patch: MakePatch) -> None:
    patch = make_patch()
    record = assess(patch, SETTINGS)
    assert (record.kept, record.reason, record.detail) == (True, "", "")
    assert record.s2_valid_share == record.s1_valid_share == (1.0,) * 4
    assert record.dw_valid_share == pytest.approx([1 - 2 / 576] * 4)
    assert record.dw_class_count == tuple(np.bincount(patch.dw[patch.dw != 255], minlength=9))


def test_each_shortfall_has_its_reason_season_and_figures(make_patch: MakePatch) -> None:
    patch = make_patch()
    s2, s1, dw = patch.s2.copy(), patch.s1.copy(), patch.dw.copy()
    s2[1, 4, :6] = 0
    s1[2, 1, :12] = S1_NODATA
    dw[3, 6:] = 255
    for changed, reason, detail in (
        (replace(patch, s2=s2), "S2 nodata", "season 1: valid share 0.7500 < 0.99"),
        (replace(patch, s1=s1), "S1 nodata", "season 2: valid share 0.5000 < 0.99"),
        (replace(patch, dw=dw), "too few labels", "season 3: valid share 0.2465 < 0.6"),
        (replace(patch, s2=s2, s1=s1, dw=dw), "S2 nodata", "season 1: valid share 0.7500 < 0.99"),
        (replace(patch, s1=s1, dw=dw), "S1 nodata", "season 2: valid share 0.5000 < 0.99"),
    ):
        record = assess(changed, SETTINGS)
        assert (record.kept, record.reason, record.detail) == (False, reason, detail)


def test_the_record_says_all_that_is_lacking_not_only_the_reason(make_patch: MakePatch) -> None:
    s1, dw = make_patch().s1.copy(), make_patch().dw.copy()
    s1[2, 1, :12] = S1_NODATA
    dw[1, 6:], dw[3, 6:] = 255, 255
    record = assess(make_patch(s1=s1, dw=dw), SETTINGS)
    assert record.reason == "S1 nodata"
    assert record.lacking == (Lack(2, "S1 nodata"), Lack(1, "too few labels"), Lack(3, "too few labels"))


def test_the_offset_is_a_reason(make_patch: MakePatch) -> None:
    s2 = make_patch().s2.copy()
    s2[2] += 1000
    record = assess(make_patch(s2=s2), SETTINGS)
    assert (record.kept, record.reason) == (False, "S2 offset")
    assert record.detail.startswith("season 2: darkest band at 10")
    assert [level > 1000 for level in record.s2_dark_level] == [False, False, True, False]
    assert assess(make_patch(s2=s2), QualitySettings(s2_max_dark_level=None)).kept


def test_border_noise_is_a_reason(make_patch: MakePatch) -> None:
    s1 = make_patch().s1.copy()
    s1[3, :, :, :6] = -45.0
    record = assess(make_patch(s1=s1), SETTINGS)
    assert (record.kept, record.reason) == (False, "S1 border noise")
    assert record.detail == "season 3: share of border noise 0.2500 > 0.01"
    assert record.s1_border_share[3] == pytest.approx(0.25, abs=0.01)
    assert assess(make_patch(s1=s1), QualitySettings(s1_max_border_share=0.3)).kept


def test_a_shift_is_recorded_and_a_reason_only_where_asked(parcels: Patch) -> None:
    record = assess(parcels, SETTINGS)
    assert record.kept
    assert [shift.confidence > 10 for shift in record.s1_shift] == [True] * 4
    assert (record.s1_shift[1].east_m, record.s1_shift[1].south_m) == pytest.approx((30, -20), abs=8)
    strict = assess(parcels, QualitySettings(s1_max_shift_m=15))
    assert (strict.kept, strict.reason) == (False, "S1-S2 shift")
    assert strict.detail.startswith("season 1: shift 3")
    assert strict.lacking == (Lack(1, "S1-S2 shift"),)
    assert assess(parcels, QualitySettings(s1_max_shift_m=15, s1_shift_min_confidence=1e6)).kept


def test_the_sums_are_of_the_observed_pixels_a_season_and_band(make_patch: MakePatch) -> None:
    s1 = make_patch().s1.copy()
    s1[1, 0, :, :12] = S1_NODATA
    patch = make_patch(s1=s1)
    record = assess(patch, QualitySettings(s1_min_valid_share=0))
    assert (len(record.s2_sums), len(record.s2_sums[0]), len(record.s1_sums), len(record.s1_sums[0])) == (4, 13, 4, 2)
    assert record.s2_sums[2][5].total == patch.s2[2, 5].sum()
    half = record.s1_sums[1][1]
    assert half.pixels == 24 * 12
    assert half.total == pytest.approx(float(s1[1, 1, :, 12:].sum()), rel=1e-4)


@pytest.fixture(scope="module")
def parcels() -> Patch:
    """Squares of even cover that both sensors see; Sentinel-1 lies 3 pixels east and 2 north in season 1."""
    rng = np.random.default_rng(0)
    land = np.kron(rng.uniform(0, 1, (10, 10)), np.ones((12, 12)))
    s2 = np.stack([1000 + 2000 * land + rng.normal(0, 20, (13, 120, 120)) for _ in range(4)])
    s2[:, S2_BANDS.index("B10")] = 20
    radar = [np.roll(land, (-2, 3), (0, 1)) if season == 1 else land for season in range(4)]
    speckle = 10 * np.log10(rng.gamma(4.4, 1 / 4.4, (4, 2, 120, 120)))
    s1 = -9 - 6 * np.stack(radar)[:, None] + speckle
    return Patch("parcels", s2.astype(np.uint16), s1.astype(np.float32), np.zeros((4, 120, 120), np.uint8))


def test_a_zero_in_an_absorption_band_is_an_observation(make_patch: MakePatch) -> None:
    s2 = make_patch().s2.copy()
    s2[:, [S2_BANDS.index(band) for band in ("B9", "B10", "B11", "B12")]] = 0
    assert assess(make_patch(s2=s2), SETTINGS).kept


def test_nan_backscatter_is_not_observed(make_patch: MakePatch) -> None:
    s1 = make_patch().s1.copy()
    s1[0, 0, :, :12] = np.nan
    assert assess(make_patch(s1=s1), SETTINGS).s1_valid_share == (0.5, 1.0, 1.0, 1.0)


def test_an_unknown_class_is_refused(make_patch: MakePatch) -> None:
    dw = make_patch().dw.copy()
    dw[0, 0, 0] = 9
    with pytest.raises(ValueError, match="labels hold 9"):
        assess(make_patch(dw=dw), SETTINGS)


def test_the_papers_rule_can_be_had(make_patch: MakePatch) -> None:
    everything = QualitySettings(
        dw_min_valid_share=0, s2_min_valid_share=0, s1_min_valid_share=0, s1_max_border_share=1, s2_max_dark_level=None
    )
    blank = make_patch(s2=np.zeros((4, 13, 24, 24), np.uint16), dw=np.full((4, 24, 24), 255, np.uint8))
    assert assess(blank, everything).kept


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_outside_0_to_1_is_refused(share: float) -> None:
    with pytest.raises(ValidationError):
        QualitySettings(dw_min_valid_share=share)


@settings(max_examples=40, deadline=None)
@given(
    missing=arrays.arrays(np.bool_, (4, 3, 5)),
    least=st.floats(0, 1),
)
def test_kept_is_what_the_shares_say(missing: np.ndarray, least: float) -> None:
    dw = np.where(missing, 255, 4).astype(np.uint8)
    patch = Patch("x", np.ones((4, 13, 3, 5), np.uint16), np.zeros((4, 2, 3, 5), np.float32), dw)
    record = assess(patch, QualitySettings(dw_min_valid_share=least))
    assert record.kept == all((dw[s] != 255).mean() >= least for s in range(4))
    assert record.kept == (record.reason == "") == (record.detail == "")
    assert sum(record.dw_class_count) == record.dw_class_count[4] == np.count_nonzero(dw != 255)
