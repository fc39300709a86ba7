from collections.abc import Callable

from training.tables.made_from import MadeFrom
from training.tables.runs import TransferRun
from training.tables.smoothing_table import smoothing_table
from training.tables.words import cell_words

MakeRun = Callable[..., TransferRun]


def test_the_published_rows_stand_without_runs() -> None:
    table = smoothing_table([])
    assert [row.words[:2] for row in table.rows] == [("0", "0"), ("0", "0.2"), ("0.2", "0"), ("0.15", "0.05")]
    assert [cell_words(cell) for cell in table.rows[2].cells] == ["42.3", "43.52", "60.98", "61.61", "46.98", "49.49"]


def test_our_runs_are_rows_by_the_smoothing_of_their_pretraining(make_run: MakeRun) -> None:
    plain, smooth = MadeFrom(smoothing=(0.0, 0.0)), MadeFrom(smoothing=(0.15, 0.05))
    runs = [
        make_run("CromSS-midF", 0.4, made=smooth),
        make_run("CromSS-midF", 0.5, made=smooth, encoder="fine-tuned"),
        make_run("no smoothing", 0.3, made=plain),
        make_run("unknown", 0.9),
        make_run("CromSS-midF", 0.9, made=smooth, input="S1", s2_bands=None),
        make_run("of no column", 0.9, made=smooth, dataset="eurosat"),
        make_run("of no column", 0.9, made=smooth, encoder="frozen-then-unfrozen"),
    ]
    rows = [row for row in smoothing_table(runs).rows if row.origin == "ours"]
    assert [row.words[:3] for row in rows] == [
        ("0.15", "0.05", "CromSS-midF (13B)"),
        ("0", "0", "no smoothing (13B)"),
    ]
    assert [cell_words(cell) for cell in rows[0].cells] == ["–", "–", "40.00", "50.00", "–", "–"]
    assert rows[0].cells[2] is not None
    assert rows[0].cells[2].bold
