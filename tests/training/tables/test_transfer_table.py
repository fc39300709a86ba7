from collections.abc import Callable

from training.tables.made_from import MadeFrom
from training.tables.runs import TransferRun
from training.tables.table import Row, Table
from training.tables.transfer_table import transfer_table
from training.tables.words import cell_words

MakeRun = Callable[..., TransferRun]


def ours(table: Table) -> list[Row]:
    return [row for row in table.rows if row.origin == "ours"]


def test_the_published_table_stands_without_runs_and_says_so() -> None:
    table = transfer_table("dw", [])
    assert len(table.rows) == 20
    assert {row.origin for row in table.rows} == {"paper"}
    assert table.heads[0] == ("frozen", "OA")
    assert len(table.heads) == 8
    assert table.title == "Transfer to SSL4EO-S12@DW (Table III of the paper)"
    assert any("no run of ours" in note for note in table.notes)
    row = next(row for row in table.rows if row.words[:3] == ("S2", "ResNet50", "CromSS-lateF (9B)"))
    assert row.words[3] == "paper, full set"
    assert cell_words(row.cells[6]) == "62.05 ± 0.24"


def test_our_rows_follow_the_published_ones_of_their_input(make_run: MakeRun) -> None:
    runs = [
        make_run("CromSS-midF", 0.5, 0.6, 0.7),
        make_run("CromSS-midF", 0.6, 0.6, 0.6, encoder="fine-tuned"),
        make_run("random", 0.3, 0.3, 0.3, input="S1", s2_bands=None),
        make_run("random", 0.3, 0.3, 0.3, dataset="osm"),
        make_run("random", 0.3, 0.3, 0.3, train_share=0.1),
    ]
    table = transfer_table("dw", runs)
    assert [row.words for row in ours(table)] == [
        ("S1", "ResNet50", "random", "ours, 12 + 4 tiles, 3 seeds"),
        ("S2", "ResNet50", "CromSS-midF (13B)", "ours, 12 + 4 tiles, 3 seeds"),
    ]
    assert [row.block for row in table.rows[5:8]] == ["S1 paper", "S1 ours", "S2 paper"]
    last = table.rows[-1]
    assert cell_words(last.cells[2]) == "60.00 ± 10.00"
    assert cell_words(last.cells[6]) == "60.00 ± 0.00"


def test_a_figure_that_is_not_there_is_a_dash(make_run: MakeRun) -> None:
    (row,) = ours(transfer_table("dw", [make_run("midF", 0.5)]))
    assert [cell_words(cell) for cell in row.cells] == ["70.00", "60.00", "50.00", "66.67", "–", "–", "–", "–"]


def test_only_our_rows_of_the_same_tiles_compete(make_run: MakeRun) -> None:
    runs = [
        make_run("random", 0.1, 0.1),
        make_run("midF", 0.2, 0.2),
        make_run("CromSS-midF", 0.9, 0.9, test_tiles=5),
    ]
    table = transfer_table("dw", runs)
    bold = [row.words[2] for row in table.rows if row.cells[2] is not None and row.cells[2].bold]
    assert bold == ["midF (13B)"]
    assert any("several stores" in note for note in table.notes)


def test_a_third_treatment_of_the_encoder_gets_columns_of_its_own(make_run: MakeRun) -> None:
    table = transfer_table("dw", [make_run("midF", 0.5, encoder="frozen-then-unfrozen")])
    assert [head[0] for head in table.heads[::4]] == ["frozen", "fine-tuned", "frozen-then-unfrozen"]
    assert cell_words(table.rows[0].cells[8]) == "–"


def test_a_set_of_no_paper_has_our_rows_alone(make_run: MakeRun) -> None:
    table = transfer_table("eurosat", [make_run("midF", 0.5, dataset="eurosat")])
    assert len(table.rows) == 1
    assert table.title == "Transfer to eurosat"


def test_rows_of_two_stores_of_one_size_are_told_apart_by_their_folders(make_run: MakeRun) -> None:
    one, two = MadeFrom(test_tiles="a"), MadeFrom(test_tiles="b")
    runs = [
        make_run("midF", 0.5, folder="first", made=one),
        make_run("midF", 0.6, folder="second", made=two),
        make_run("random", 0.5, folder="third", made=one),
        make_run("random", 0.6, folder="fourth", made=two, encoder="fine-tuned"),
        make_run("lateF", 0.6, folder="fifth", made=one),
    ]
    assert [row.words[2] for row in ours(transfer_table("dw", runs))] == [
        "random (13B) in third",
        "random (13B) in fourth",
        "midF (13B) in first",
        "midF (13B) in second",
        "lateF (13B)",
    ]
