from collections.abc import Callable

from training.tables.class_tables import class_tables
from training.tables.made_from import MadeFrom
from training.tables.runs import TransferRun
from training.tables.words import cell_words

MakeRun = Callable[..., TransferRun]


def test_each_class_has_its_mean_and_an_absent_one_a_dash(make_run: MakeRun) -> None:
    runs = [make_run("random", 0.2, 0.4), make_run("midF", 0.6, 0.8), make_run("midF", 0.9, 0.9, dataset="osm")]
    iou, f1, recall = class_tables("dw", runs)
    assert (iou.key, f1.key, recall.key) == ("classes-dw-iou", "classes-dw-f1", "classes-dw-recall")
    assert iou.heads == (("water",), ("trees",), ("shrub & scrub",))
    assert [row.words[2] for row in iou.rows] == ["random (13B)", "midF (13B)"]
    assert [cell_words(cell) for cell in iou.rows[0].cells] == ["30.00 ± 14.14", "15.00 ± 7.07", "–"]
    assert [[cell is not None and cell.bold for cell in row.cells] for row in iou.rows] == [
        [False] * 3,
        [True, True, False],
    ]


def test_a_set_without_runs_has_none(make_run: MakeRun) -> None:
    assert class_tables("osm", [make_run("midF", 0.5)]) == ()


def test_runs_of_other_classes_share_a_table(make_run: MakeRun) -> None:
    other = {"names": ["sea"], "recall": [[0.5]], "iou": [[0.5]], "f1": [[0.5]]}
    iou = class_tables("dw", [make_run("midF", 0.6), make_run("random", 0.2, per_class=other)])[0]
    assert [head[0] for head in iou.heads] == ["water", "trees", "shrub & scrub", "sea"]
    assert [cell_words(cell) for cell in iou.rows[0].cells] == ["–", "–", "–", "50.00"]


def test_rows_of_two_stores_of_one_size_are_told_apart_by_their_folders(make_run: MakeRun) -> None:
    runs = [make_run("midF", 0.5, folder=store, made=MadeFrom(train_tiles=(store,))) for store in ("a", "b")]
    runs.append(make_run("midF", 0.5, folder="c", made=MadeFrom(train_tiles=("a",)), encoder="fine-tuned"))
    names = [row.words[2] for row in class_tables("dw", runs)[0].rows]
    assert names == ["midF (13B) in a", "midF (13B) in b", "midF (13B)"]
