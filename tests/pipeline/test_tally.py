from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.histograms import S1_EDGES, S2_EDGES, add_up
from pipeline.schema.bands import S1_NODATA
from pipeline.schema.records import BandSum, Patch
from pipeline.tally import S1_STEPS, SEASON_PAIRS, Tally, season_sums

MakePatch = Callable[..., Patch]


def tallied(patches: list[Patch]) -> Tally:
    tally = Tally()
    for patch in patches:
        tally.add(patch)
    return tally


def test_sums_are_those_of_all_patches_together_by_season_and_band(make_patch: MakePatch) -> None:
    patches = [make_patch(name) for name in "abc"]
    tally = tallied(patches)
    s2 = np.stack([p.s2 for p in patches]).astype(np.float64)
    s1 = np.stack([p.s1 for p in patches]).astype(np.float64)
    for season in range(4):
        for band, found in enumerate(tally.s2_sums()[season]):
            values = s2[:, season, band]
            assert found == BandSum(values.size, values.sum(), (values**2).sum(), values.min(), values.max())
        for band, found in enumerate(tally.s1_sums()[season]):
            values = s1[:, season, band]
            assert (found.pixels, found.lowest, found.highest) == (values.size, values.min(), values.max())
            assert found.total == pytest.approx(values.sum(), abs=values.size / S1_STEPS)
            assert found.squares == pytest.approx((values**2).sum(), rel=1e-5)
        labels = np.stack([p.dw[season] for p in patches])
        assert tally.class_count()[season] == tuple(np.count_nonzero(labels == c) for c in [*range(9), 255])


def test_labels_that_meet_are_counted_by_pairs_of_seasons(make_patch: MakePatch) -> None:
    patches = [make_patch(name) for name in "ab"]
    labels = np.stack([p.dw for p in patches])
    for pair, counts in zip(SEASON_PAIRS, tallied(patches).class_pairs(), strict=True):
        first, second = (np.where(labels[:, season] == 255, 9, labels[:, season]) for season in pair)
        for at, count in enumerate(counts):
            assert count == np.count_nonzero((first == at // 10) & (second == at % 10))


def test_unobserved_pixels_stay_out_of_sums_and_histograms(make_patch: MakePatch) -> None:
    patch = make_patch()
    s2, s1 = patch.s2.copy(), patch.s1.copy()
    s2[0, 0, :12] = 0
    s1[0, 1, :12] = S1_NODATA
    s1[2] = np.nan
    tally = tallied([replace(patch, s2=s2, s1=s1)])
    assert [b.pixels for b in tally.s2_sums()[0]] == [24 * 12] * 13
    assert [[b.pixels for b in season] for season in tally.s1_sums()] == [[288, 288], [576] * 2, [0] * 2, [576] * 2]
    assert tally.s1_sums()[2][0] == BandSum(0, 0.0, 0.0, None, None)
    assert tally.s1_sums()[0][0].lowest == patch.s1[0, 0, 12:].min()
    for packed, sums, bands in (
        (tally.s2_histogram(), tally.s2_sums(), 13),
        (tally.s1_histogram(), tally.s1_sums(), 2),
    ):
        histogram = add_up([packed], 4, bands)
        assert histogram.sum(axis=-1).tolist() == [[b.pixels for b in season] for season in sums]


def test_histograms_are_those_of_numpy(make_patch: MakePatch) -> None:
    patches = [make_patch(name) for name in "abc"]
    tally = tallied(patches)
    for name, packed, edges, bands in (
        ("s2", tally.s2_histogram(), S2_EDGES, 13),
        ("s1", tally.s1_histogram(), S1_EDGES, 2),
    ):
        found = add_up([packed], 4, bands)
        raw = np.stack([getattr(p, name) for p in patches]).astype(np.float64)
        for season, band in ((0, 0), (3, bands - 1)):
            expected, _ = np.histogram(raw[:, season, band], edges)
            assert np.abs(found[season, band] - expected).sum() <= (0 if name == "s2" else 2)


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(4)), cut=st.integers(0, 4))
def test_neither_order_nor_grouping_changes_a_bit(order: list[int], cut: int, make_patch: MakePatch) -> None:
    patches = [make_patch(name) for name in "abcd"]
    whole, other = tallied(patches), tallied([patches[at] for at in order])
    assert whole.s1_sums() == other.s1_sums()
    assert whole.s2_histogram() == other.s2_histogram()
    halves = [tallied(patches[:cut]), tallied(patches[cut:])]
    for season in range(4):
        for band in range(2):
            parts = [half.s1_sums()[season][band] for half in halves]
            assert sum(p.total for p in parts) == whole.s1_sums()[season][band].total
            assert sum(p.squares for p in parts) == whole.s1_sums()[season][band].squares


def test_a_patch_alone_has_the_sums_that_a_tally_of_it_has(make_patch: MakePatch) -> None:
    patch = make_patch("x")
    tally = tallied([patch])
    assert season_sums(patch) == (tally.s2_sums(), tally.s1_sums())


def test_probabilities_are_added_up_by_season_and_class(make_patch: MakePatch) -> None:
    assert tallied([make_patch()]).dw_prob_totals() == ()
    prob = np.random.default_rng(0).integers(0, 256, (2, 4, 9, 24, 24), dtype=np.uint8)
    found = tallied([make_patch(name, dw_prob=p) for name, p in zip("ab", prob, strict=True)]).dw_prob_totals()
    assert np.array_equal(found, prob.sum(axis=(0, 3, 4), dtype=np.int64))
