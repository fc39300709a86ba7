from collections.abc import Callable

from training.tables.ablation_table import ablation_table
from training.tables.names import ABLATION
from training.tables.runs import TransferRun
from training.tables.words import cell_words

MakeRun = Callable[..., TransferRun]


def test_the_published_rows_are_in_the_papers_order() -> None:
    table = ablation_table([])
    assert [row.words[:2] for row in table.rows] == [(band, name) for band in ("S1", "S2") for name in ABLATION]
    assert len(table.heads) == 18
    assert cell_words(table.rows[1].cells[17]) == "36.2", "as many decimals as were printed"
    assert all(cell is not None and not cell.bold for row in table.rows for cell in row.cells)


def test_a_row_of_ours_spans_the_three_sets(make_run: MakeRun) -> None:
    runs = [
        make_run("cromss-MIDF", 0.4, 0.5, dataset="dfc2020", framework="pspnet"),
        make_run("cromss-MIDF", 0.3, 0.3, encoder="fine-tuned"),
        make_run("MoCo", 0.9, 0.9),
        make_run("random", 0.1, 0.1, train_share=0.5),
    ]
    (row,) = [row for row in ablation_table(runs).rows if row.origin == "ours"]
    assert row.words[:2] == ("S2", "cromss-MIDF")
    shown = {head: cell_words(cell) for head, cell in zip(ablation_table(runs).heads, row.cells, strict=True)}
    assert shown["DFC2020", "frozen", "mIoU"] == "45.00"
    assert shown["SSL4EO-S12@DW", "fine-tuned", "mIoU"] == "30.00"
    assert shown["SSL4EO-S12@DW", "frozen", "mIoU"] == "–"


def test_nine_bands_and_another_backbone_are_said(make_run: MakeRun) -> None:
    runs = [make_run("midF", 0.4, s2_bands=9), make_run("midF", 0.5, backbone="ResNet10t")]
    assert {row.words[1] for row in ablation_table(runs).rows if row.origin == "ours"} == {
        "midF (9B)",
        "midF, ResNet10t",
    }
