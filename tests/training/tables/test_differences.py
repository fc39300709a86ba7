from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipeline.schema.errors import UsageError
from training.tables.difference_table import difference_table
from training.tables.differences import Pairing, differences, half_width_factor, paired_difference
from training.tables.made_from import MadeFrom
from training.tables.runs import TransferRun
from training.tables.words import cell_words

MakeRun = Callable[..., TransferRun]


USUAL = Pairing()


def names(runs: list[TransferRun], pairing: Pairing = USUAL) -> list[tuple[str, str]]:
    return [(found.first.name, found.second.name) for found in differences(runs, pairing)]


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=8).filter(lambda values: np.std(values) > 1e-6))
@settings(deadline=None, max_examples=50)
def test_the_interval_is_scipys_paired_t(values: list[float]) -> None:
    found = paired_difference(values)
    expected = stats.ttest_rel(values, np.zeros(len(values))).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.mean == pytest.approx(np.mean(values))


def test_the_interval_holds_the_truth_95_times_in_100() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(2000):
        found = paired_difference(list(rng.normal(0.3, 1.0, size=3)))
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.3 <= found.high
    assert held / 2000 == pytest.approx(0.95, abs=0.015)


def test_three_seeds_make_a_wide_interval_and_one_none() -> None:
    assert half_width_factor(3) == pytest.approx(4.3027 / 3**0.5, abs=1e-4)
    assert paired_difference([0.1]).low is None
    same = paired_difference([0.1, 0.1, 0.1])
    assert (same.low, same.high) == pytest.approx((0.1, 0.1))


def test_only_seeds_that_both_have_count_whatever_their_order(make_run: MakeRun) -> None:
    first = make_run("midF", 0.5, 0.6, 0.9, seeds=[0, 1, 7])
    second = make_run("random", 0.1, 0.3, 0.0, seeds=[1, 0, 5])
    (found,) = differences([first, second], Pairing())
    assert found.seeds == (0, 1)
    assert found.of_scores("mIoU").mean == pytest.approx(((0.5 - 0.3) + (0.6 - 0.1)) / 2)
    assert differences([first, make_run("random", 0.1, seeds=[4])], Pairing()) == ()


def test_by_default_rows_stand_against_random_and_cromss_against_its_twin(make_run: MakeRun) -> None:
    runs = [make_run(name, 0.5, 0.6) for name in ("random", "midF", "lateF", "CromSS-midF", "MoCo")]
    assert names(runs) == [
        ("MoCo", "random"),
        ("midF", "random"),
        ("lateF", "random"),
        ("CromSS-midF", "random"),
        ("CromSS-midF", "midF"),
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"test_tiles": 5},
        {"pixels": 1},
        {"train_share": 0.5},
        {"dataset": "osm"},
        {"input": "S1"},
        {"encoder": "fine-tuned"},
        {"s2_bands": 9},
        {"framework": "unet"},
        {"backbone": "ResNet18"},
        {"load": "all"},
        {"made": MadeFrom(test_tiles="other")},
        {"made": MadeFrom(train_tiles=("other",))},
        {"made": MadeFrom(training=(("epochs", "5"),))},
    ],
)
def test_nothing_is_set_against_a_row_of_other_conditions(make_run: MakeRun, other: dict[str, object]) -> None:
    assert names([make_run("midF", 0.5, 0.6), make_run("random", 0.1, 0.1, **other)]) == []


def test_named_pairs_and_baselines_replace_the_usual_ones(make_run: MakeRun) -> None:
    runs = [make_run(name, 0.5, 0.6) for name in ("random", "midF", "MoCo")]
    assert names(runs, Pairing(pairs=(("MoCo", "midF"),))) == [("MoCo", "midF")]
    assert names(runs, Pairing(against=("moco",))) == [("random", "MoCo"), ("midF", "MoCo")]
    assert names(runs, Pairing(against=("MoCo",), pairs=(("midF", "MoCo"),))) == [("random", "MoCo"), ("midF", "MoCo")]


def test_a_named_pair_may_be_of_other_networks_but_not_of_other_tiles(make_run: MakeRun) -> None:
    vit = make_run("DOFA", 0.5, 0.6, backbone="ViT-Large", framework="upernet", s2_bands=9)
    ours = make_run("midF", 0.5, 0.6)
    assert names([vit, ours], Pairing(pairs=(("midF", "DOFA (9B)"),))) == [("midF", "DOFA")]
    nine = make_run("midF", 0.5, 0.6, s2_bands=9)
    assert names([nine, ours], Pairing(pairs=(("midF (13B)", "midF (9B)"),))) == [("midF", "midF")]
    assert names([nine, ours], Pairing(against=("midF",))) == []
    away = make_run("DOFA", 0.5, 0.6, test_tiles=5)
    assert names([away, ours], Pairing(pairs=(("midF", "DOFA"),))) == []


def test_a_name_that_no_row_has_is_refused(make_run: MakeRun) -> None:
    with pytest.raises(UsageError, match="no row is called 'mdiF'; name one of midF, random"):
        differences([make_run("midF", 0.5), make_run("random", 0.5)], Pairing(against=("mdiF",)))


def test_the_table_gives_points_and_marks_intervals_without_0(make_run: MakeRun) -> None:
    runs = [make_run("midF", 0.50, 0.52, 0.51), make_run("random", 0.30, 0.30, 0.30)]
    runs += [make_run("lateF", 0.31, 0.28, 0.32)]
    table = difference_table("dw", differences(runs, Pairing()))
    assert table is not None
    assert [row.words for row in table.rows] == [
        ("S2", "frozen", "midF (13B) − random (13B)", "12", "3"),
        ("S2", "frozen", "lateF (13B) − random (13B)", "12", "3"),
    ]
    half = 4.302653 / 3**0.5
    assert cell_words(table.rows[0].cells[2]) == f"+21.00 [+{21 - half:.2f}, +{21 + half:.2f}]"
    assert [row.cells[2] is not None and row.cells[2].bold for row in table.rows] == [True, False]
    notes = " ".join(table.notes)
    assert "With 3 seeds the interval is wide: 2.48 standard deviations" in notes
    assert "Of 8 such intervals about 0.4" in notes


def test_a_single_seed_has_a_difference_without_an_interval(make_run: MakeRun) -> None:
    table = difference_table("dw", differences([make_run("midF", 0.5), make_run("random", 0.4)], Pairing()))
    assert table is not None
    assert cell_words(table.rows[0].cells[2]) == "+10.00"
    assert "single seed" in " ".join(table.notes)
    assert difference_table("osm", []) is None
