"""OSM against DW: accuracy, verdicts, the curve and the worst pairs."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import accuracy_score, confusion_matrix

from pipeline.agreement import (
    BY_HAND,
    DISAGREE,
    NO_LABEL,
    NOT_BOTH,
    AgreementSettings,
    agreement,
    confusion,
    kept_curve,
    overall_accuracy,
    total_confusion,
    worst_pairs,
)
from pipeline.schema.landcover import DW_CLASSES, IGNORE, OSM_ADMITS
from pipeline.schema.tiles import SPLITS

SHAPE = (12, 10)
DW = hnp.arrays(np.uint8, SHAPE, elements=st.sampled_from([*range(9), IGNORE]))
OSM = hnp.arrays(np.uint8, SHAPE, elements=st.sampled_from([*range(1, 14), IGNORE]))


def test_the_table_is_the_papers() -> None:
    names = {cover.name: cover.code for cover in DW_CLASSES}
    paper = {
        1: ["built area"], 2: ["built area"], 3: ["crops"], 4: ["trees", "grass"], 5: ["trees"], 6: ["bare ground"],
        7: ["water"], 8: ["bare ground", "snow & ice"], 9: ["grass"], 10: ["grass", "shrub & scrub"],
        11: ["trees", "crops"], 12: ["flooded vegetation"], 13: ["water", "flooded vegetation"],
    }  # fmt: skip
    assert {osm: frozenset(names[n] for n in meant) for osm, meant in paper.items()} == OSM_ADMITS


@given(DW, OSM)
@settings(deadline=None, max_examples=40)
def test_the_accuracy_is_what_scikit_learn_computes(dw: np.ndarray, osm: np.ndarray) -> None:
    found = agreement("tile", "train", dw, osm, AgreementSettings(min_coverage=0))
    both = (dw != IGNORE) & (osm != IGNORE)
    if not both.any():
        assert found.overall_accuracy is None
        assert not found.kept
        return
    # Of the DW classes that an OSM pixel admits, its prediction is the true one where that is among them.
    predicted = [d if d in OSM_ADMITS[o] else min(OSM_ADMITS[o]) for d, o in zip(dw[both], osm[both], strict=True)]
    assert found.overall_accuracy == pytest.approx(accuracy_score(dw[both], predicted), abs=1e-12)
    shared = confusion_matrix(osm[both], dw[both], labels=range(14))[1:, :9]
    assert np.array_equal(np.array(found.confusion).reshape(13, 9), shared)
    assert found.coverage == both.mean()
    assert found.osm_share == (osm != IGNORE).mean()


@given(DW, OSM, st.integers(1, 13), st.integers(0, 8))
@settings(deadline=None, max_examples=40)
def test_changing_one_code_of_the_table_moves_its_pixels_only(
    dw: np.ndarray, osm: np.ndarray, code: int, cover: int
) -> None:
    counted = confusion(dw, osm)
    total = counted.sum()
    toggled = {**OSM_ADMITS, code: OSM_ADMITS[code] ^ {cover}}
    before, after = overall_accuracy(counted), overall_accuracy(counted, toggled)
    if before is None or after is None:
        assert total == 0
        return
    sign = -1 if cover in OSM_ADMITS[code] else 1
    assert after - before == pytest.approx(sign * counted[code - 1, cover] / total, abs=1e-12)


def plain(dw: int, osm: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full(SHAPE, dw, np.uint8), np.full(SHAPE, osm, np.uint8)


def test_a_tile_is_judged_by_labels_then_coverage_then_accuracy() -> None:
    chosen = AgreementSettings(threshold=0.5, min_coverage=0.1)
    trees, forest = plain(1, 5)
    assert agreement("t", "train", trees, forest, chosen).kept
    none = agreement("t", "train", trees, np.full(SHAPE, IGNORE, np.uint8), chosen)
    assert (none.kept, none.reason, none.overall_accuracy) == (False, NO_LABEL, None)
    thin = np.full(SHAPE, IGNORE, np.uint8)
    thin[0, :6] = 5
    assert agreement("t", "train", trees, thin, chosen).reason == NOT_BOTH
    half = forest.copy()
    half[:6] = 7
    at_threshold = agreement("t", "train", trees, half, chosen)
    assert (at_threshold.overall_accuracy, at_threshold.kept) == (0.5, True)
    half[6, 0] = 7
    below = agreement("t", "train", trees, half, chosen)
    assert (below.kept, below.reason) == (False, DISAGREE)
    assert "0.491667 < 0.5" in below.detail


def test_a_verdict_says_what_it_compared() -> None:
    rows = np.full((50, 50), 1, np.uint8), np.full((50, 50), 5, np.uint8)
    rows[1].ravel()[:1251] = 7  # 1249 of 2500 agree
    assert agreement("t", "train", *rows, AgreementSettings()).detail == "overall accuracy 0.4996 < 0.5"
    seen = rows[0].copy()
    seen.ravel()[24:] = IGNORE
    thin = agreement("t", "train", seen, rows[1], AgreementSettings(min_coverage=0.00960001))
    assert (thin.reason, thin.detail) == (NOT_BOTH, "share 0.0096 < 0.00960001")
    unmarked = np.full((50, 50), IGNORE, np.uint8)
    for least in (0.0, 0.01):
        none = agreement("t", "train", unmarked, rows[1], AgreementSettings(min_coverage=least))
        assert (none.reason, none.detail) == (NOT_BOTH, "no pixel has both")


def test_a_hand_drops_what_the_figures_keep() -> None:
    found = agreement("t", "test", *plain(1, 5), AgreementSettings(), dropped="a cloud")
    assert (found.kept, found.reason, found.detail, found.overall_accuracy) == (False, BY_HAND, "a cloud", 1.0)


@pytest.mark.parametrize(("dw", "osm"), [(9, 1), (0, 14), (0, 0)])
def test_other_codes_are_refused(dw: int, osm: int) -> None:
    with pytest.raises(ValueError, match=r"expected DW classes 0\.\.8 and OSM classes 1\.\.13"):
        confusion(*plain(dw, osm))
    with pytest.raises(ValueError, match="shape"):
        confusion(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8))


@pytest.fixture
def judged() -> Callable[..., list]:
    """(threshold) -> 40 tiles of every accuracy, some thin, one dropped by hand."""

    def make(threshold: float) -> list:
        rng = np.random.default_rng(3)
        tiles = []
        for at in range(40):
            dw, osm = plain(0, 7)
            osm[rng.random(SHAPE) < at / 39] = 5
            osm[rng.random(SHAPE) < (0.99 if at % 10 == 0 else 0.2)] = IGNORE
            dropped = "seen" if at == 3 else None
            chosen = AgreementSettings(threshold=threshold, min_coverage=0.1)
            tiles.append(agreement(f"t{at}", SPLITS[at % 2], dw, osm, chosen, dropped=dropped))
        return tiles

    return make


def test_the_curve_says_what_each_threshold_would_keep(judged: Callable[..., list]) -> None:
    curve = kept_curve(judged(0.5), AgreementSettings(min_coverage=0.1), SPLITS)
    assert [point.threshold for point in curve] == pytest.approx([0.3 + 0.05 * at for at in range(13)])
    for point in curve[::4]:
        kept = [tile for tile in judged(point.threshold) if tile.kept]
        assert point.kept == len(kept) == sum(point.by_split)
        assert point.by_split[0] == sum(tile.split == "train" for tile in kept)
    assert curve[0].kept > curve[-1].kept > 0


def test_the_worst_pairs_are_those_the_table_does_not_admit() -> None:
    quarry = agreement("a", "train", *plain(0, 6), AgreementSettings())
    mixed_dw, mixed_osm = plain(1, 5)
    mixed_dw[0], mixed_osm[1] = 4, 7
    mixed = agreement("b", "train", mixed_dw, mixed_osm, AgreementSettings())
    admitted = agreement("c", "train", *plain(2, 4), AgreementSettings())
    first, *others = worst_pairs([quarry, mixed, admitted, replace(mixed, tile_id="d")])
    assert (first.osm, first.dw, first.pixels, first.share, first.tiles) == (6, 0, 120, 1.0, 1)
    assert [(p.osm, p.dw, p.pixels, p.tiles) for p in others] == [(5, 4, 20, 2), (7, 1, 20, 2)]
    assert total_confusion([quarry, mixed]).sum() == 240
    assert len(worst_pairs([quarry, mixed], most=1)) == 1
