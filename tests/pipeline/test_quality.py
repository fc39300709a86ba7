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
from pipeline.schema.records import Patch

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
    everything = QualitySettings(dw_min_valid_share=0, s2_min_valid_share=0, s1_min_valid_share=0)
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
