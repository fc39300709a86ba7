from collections.abc import Callable

import pytest

from training.tables.efficiency_table import efficiency_lines, efficiency_table
from training.tables.made_from import MadeFrom
from training.tables.runs import TransferRun
from training.tables.words import cell_words

MakeRun = Callable[..., TransferRun]


def test_rows_of_several_shares_are_in_it_and_others_are_not(make_run: MakeRun) -> None:
    runs = [
        make_run("midF", 0.5, 0.5),
        make_run("midF", 0.4, 0.4, train_share=0.05, train_tiles=1),
        make_run("random", 0.3, 0.3, train_share=0.05, train_tiles=1),
        make_run("midF", 0.6, 0.6, encoder="fine-tuned", train_share=0.5, train_tiles=6),
    ]
    table = efficiency_table("dw", runs)
    assert table is not None
    assert table.heads == (("5 %",), ("100 %",))
    assert [row.words for row in table.rows] == [("S2", "frozen", "midF (13B)", "2")]
    assert [cell_words(cell) for cell in table.rows[0].cells] == ["40.00 ± 0.00", "50.00 ± 0.00"]
    assert table.notes == ("Training tiles: 1 at 5 %, 12 at 100 %.",)


def test_the_best_is_the_best_of_its_share(make_run: MakeRun) -> None:
    runs = [
        make_run(name, score, train_share=share, train_tiles=round(100 * share))
        for name, scores in {"random": (0.1, 0.9), "midF": (0.2, 0.8)}.items()
        for share, score in zip((0.1, 1.0), scores, strict=True)
    ]
    table = efficiency_table("dw", runs)
    assert table is not None
    assert [[cell is not None and cell.bold for cell in row.cells] for row in table.rows] == [
        [False, True],
        [True, False],
    ]


def test_there_is_none_without_several_shares(make_run: MakeRun) -> None:
    assert efficiency_table("dw", [make_run("midF", 0.5), make_run("random", 0.4)]) is None
    assert efficiency_lines("osm", [make_run("midF", 0.5), make_run("midF", 0.5, train_share=0.1)]) == ()


def test_other_test_tiles_are_another_line(make_run: MakeRun) -> None:
    assert efficiency_lines("dw", [make_run("midF", 0.5), make_run("midF", 0.5, train_share=0.1, test_tiles=5)]) == ()


@pytest.mark.parametrize(
    "other",
    [MadeFrom(train_tiles=("b", 1), training=(("epochs", "50"),)), MadeFrom(train_tiles=("a", 1))],
    ids=["training store", "training settings"],
)
def test_a_line_is_of_one_training_store_and_one_way_to_learn(make_run: MakeRun, other: MadeFrom) -> None:
    full = make_run("midF", 0.5, made=MadeFrom(train_tiles=("a", 1, 2), training=(("epochs", "50"),)))
    assert efficiency_lines("dw", [full, make_run("midF", 0.4, train_share=0.5, made=other)]) == ()
    tenth = MadeFrom(train_tiles=("a", 2), training=(("epochs", "50"),))
    (line,) = efficiency_lines("dw", [full, make_run("midF", 0.4, train_share=0.5, made=tenth)])
    assert [run.train_share for run in line.runs] == [0.5, 1.0]


def test_only_rows_that_learnt_from_the_same_tiles_compete(make_run: MakeRun) -> None:
    runs = [
        make_run(name, score, train_share=share, made=MadeFrom(train_tiles=(store, *range(round(10 * share)))))
        for name, store, score in (("random", "a", 0.1), ("midF", "a", 0.2), ("single-modal", "b", 0.9))
        for share in (0.5, 1.0)
    ]
    table = efficiency_table("dw", runs)
    assert table is not None
    bold = {row.words[2]: [cell is not None and cell.bold for cell in row.cells] for row in table.rows}
    assert bold == {"random (13B)": [False] * 2, "midF (13B)": [True] * 2, "single-modal (13B)": [False] * 2}


def test_lines_that_learnt_otherwise_are_told_apart_by_their_folders(make_run: MakeRun) -> None:
    runs = [
        make_run(name, 0.5, folder=f"{name}{epochs}-{share}", train_share=share, made=learnt(epochs))
        for name, epochs in (("midF", 50), ("midF", 5), ("random", 50))
        for share in (1.0, 0.5)
    ]
    runs.append(make_run("random", 0.5, made=learnt(5)))
    assert [line.name for line in efficiency_lines("dw", runs)] == [
        "random (13B)",
        "midF (13B) in midF50-1.0 and midF50-0.5",
        "midF (13B) in midF5-1.0 and midF5-0.5",
    ]


def learnt(epochs: int) -> MadeFrom:
    return MadeFrom(training=(("epochs", str(epochs)),))
