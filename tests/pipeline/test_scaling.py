import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.pack import StoreSettings
from pipeline.scaling import PUBLISHED, BandTotals, fixed_scaling, own_scaling
from pipeline.schema.bands import S1_BANDS, S2_BANDS
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.records import BandSum
from pipeline.schema.strict import validated

GIVEN = {"s2": {"mean": [1000.0] * 13, "std": [500.0] * 13}, "s1": {"mean": [-12.0, -19.0], "std": [5.0, 6.0]}}


def checked(raw: dict[str, object]) -> StoreSettings:
    return validated(StoreSettings, raw, where="store")


def test_the_published_figures_are_the_default() -> None:
    assert fixed_scaling(checked({}).statistics, checked({}).clip_std) == PUBLISHED


def test_given_figures_and_another_clip_are_used() -> None:
    settings = checked({"statistics": GIVEN, "clip_std": 3})
    found = fixed_scaling(settings.statistics, settings.clip_std)
    assert found is not None
    assert (found.s2.mean[12], found.s1.std, found.s1.clip_std, found.s2.source) == (1000, (5, 6), 3, "given")
    ends = np.array([-12 - 15, -12 + 15], np.float32).reshape(1, 1, 2).repeat(2, axis=0)
    assert found.s1.to_uint8(ends)[0].tolist() == [[0, 255]]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"statistics": "mine"}, "'mine' is none of published, own"),
        (
            {"statistics": {**GIVEN, "s1": {"mean": [1.0], "std": [1.0]}}},
            "s1: expected a mean for each of VV, VH, got 1",
        ),
        ({"statistics": {**GIVEN, "s1": {"mean": [1.0, 1.0], "std": [1.0, 0.0]}}}, "band VH has mean 1 and std 0"),
        ({"statistics": {"s2": GIVEN["s2"]}}, "s1' is missing"),
        ({"statistics": {**GIVEN, "s3": {}}}, "unknown key 's3'"),
        ({"clip_std": 0}, "greater than 0"),
        ({"clip_std": float("nan")}, "clip_std"),
    ],
)
def test_figures_that_cannot_scale_are_refused(raw: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as found:
        checked(raw)
    assert message in str(found.value)
    assert "\n" not in str(found.value)


SUMS = st.lists(
    st.tuples(st.integers(1, 70_000), st.floats(-1e6, 1e6), st.floats(1e7, 1e12)).map(
        lambda t: BandSum(t[0], round(t[1] * 2**14) / 2**14, round(t[2] * 2**28) / 2**28)
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(sums=SUMS, order=st.randoms(use_true_random=False), groups=st.integers(1, 9))
def test_no_order_or_grouping_changes_a_bit(sums: list[BandSum], order: object, groups: int) -> None:
    first, second = BandTotals(("VV",)), BandTotals(("VV",))
    for one in sums:
        first.add_sum(one, 0)
    shuffled = list(sums)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    for start in range(0, len(shuffled), groups):
        chunk = shuffled[start : start + groups]
        second.add([s.pixels for s in chunk], [s.total for s in chunk], [s.squares for s in chunk], 0)
    assert first.moments(0) == second.moments(0)
    pixels, mean, _ = first.moments(0) or (0, 0.0, 0.0)
    assert pixels == sum(s.pixels for s in sums)
    assert mean == pytest.approx(math.fsum(s.total for s in sums) / pixels, rel=1e-12, abs=1e-9)


def test_a_small_spread_about_a_large_mean_is_not_lost() -> None:
    totals = BandTotals(("B1",))
    n = 10**8
    totals.add([n, n], [60_000.0 * n, 60_001.0 * n], [60_000.0**2 * n, 60_001.0**2 * n], 0)
    assert totals.moments(0) == (2 * n, 60_000.5, 0.5)


def filled(bands: tuple[str, ...], constant: str = "", unseen: str = "") -> BandTotals:
    totals = BandTotals(bands)
    for at, band in enumerate(bands):
        if band != unseen:
            totals.add_sum(BandSum(2, 20.0, 200.0 if band == constant else 208.0), at)
    return totals


def test_a_stores_own_figures_scale_it() -> None:
    found = own_scaling(filled(S2_BANDS), filled(S1_BANDS), 2.5)
    assert (found.s2.mean, found.s2.std, found.s2.clip_std, found.s1.source) == ((10.0,) * 13, (2.0,) * 13, 2.5, "own")


def test_a_band_without_spread_is_refused_by_name() -> None:
    with pytest.raises(NoldoError, match="cannot scale band B10, which is 10 everywhere"):
        own_scaling(filled(S2_BANDS, constant="B10"), filled(S1_BANDS), 2.0)
    with pytest.raises(NoldoError, match="cannot scale band VH, which was never observed"):
        own_scaling(filled(S2_BANDS), filled(S1_BANDS, unseen="VH"), 2.0)
