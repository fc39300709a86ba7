from collections.abc import Callable
from pathlib import Path

from training.tables.own_rows import joined, row_name, size_notes, source_words, told_apart
from training.tables.runs import TransferRun

MakeRun = Callable[..., TransferRun]


def test_a_row_is_named_by_its_weights_and_by_what_differs_from_the_paper(make_run: MakeRun) -> None:
    assert row_name(make_run("midF", 0.5)) == "midF (13B)"
    assert row_name(make_run("midF", 0.5, input="S1", s2_bands=None)) == "midF"
    assert row_name(make_run("midF", 0.5, framework="unet", load="encoder+2")) == "midF (13B), U-Net, load encoder+2"
    assert row_name(make_run("DOFA", 0.5, framework="upernet", backbone="ViT-Large", s2_bands=9)) == "DOFA (9B)"
    assert row_name(make_run("midF", 0.5, dataset="osm")) == "midF (13B), DeepLabV3+"


def test_runs_of_one_key_share_a_row_each_in_its_place(make_run: MakeRun) -> None:
    frozen, tuned = make_run("midF", 0.5), make_run("midF", 0.6, encoder="fine-tuned")
    other = make_run("random", 0.1)
    rows = joined([tuned, other, frozen], key=lambda run: run.name, place=lambda run: run.encoder)
    assert [row.name for row in rows] == ["random (13B)", "midF (13B)"]
    assert rows[1].runs == {"frozen": frozen, "fine-tuned": tuned}


def test_two_runs_of_one_place_each_get_a_row_with_their_folder(make_run: MakeRun) -> None:
    runs = [make_run("midF", score, folder=folder) for score, folder in ((0.5, "a"), (0.6, "b"))]
    rows = joined(runs, key=lambda run: run.name, place=lambda run: run.encoder)
    assert [row.name for row in rows] == ["midF (13B) in a", "midF (13B) in b"]
    assert [row.first.folder for row in rows] == [Path("a"), Path("b")]


def test_what_a_row_was_made_on_is_said(make_run: MakeRun) -> None:
    runs = [make_run("midF", 0.5, 0.6, 0.7), make_run("midF", 0.5, 0.6, 0.5, encoder="fine-tuned")]
    assert source_words(runs) == "ours, 12 + 4 tiles, 3 seeds"
    assert source_words([make_run("midF", 0.5)]) == "ours, 12 + 4 tiles, 1 seed"
    assert source_words([runs[0], make_run("midF", 0.5)]) == "ours, 12 + 4 tiles, 1 to 3 seeds"
    (note,) = size_notes(runs)
    assert "12 training and 4 test tiles" in note
    assert "3,574 and 340" in note


def test_rows_that_would_read_alike_are_told_apart_by_all_their_folders(make_run: MakeRun) -> None:
    places = (("a", "frozen", 0.1), ("b", "fine-tuned", 0.2), ("c", "frozen", 0.3))
    runs = [make_run("midF", score, folder=folder, encoder=encoder) for folder, encoder, score in places]
    runs += [make_run("random", 0.1, folder="d")]
    rows = joined(runs, key=lambda run: (run.name, run.folder == Path("c")), place=lambda run: run.encoder)
    apart = told_apart(rows, shown=lambda row: row.first.input)
    assert [row.name for row in apart] == ["random (13B)", "midF (13B) in a and b", "midF (13B) in c"]
    assert [row.name for row in told_apart(rows, shown=lambda row: row.first.folder)] == [row.name for row in rows]
