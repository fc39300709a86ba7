import csv
from collections.abc import Callable

import pytest

from training.tables.differences import Pairing, differences
from training.tables.long_form import differences_csv, results_csv, seeds_csv
from training.tables.made_from import MadeFrom
from training.tables.runs import TransferRun

MakeRun = Callable[..., TransferRun]


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_results_hold_every_digit_and_the_published_figures(make_run: MakeRun) -> None:
    run = make_run("a, b", 1 / 3, 2 / 3, made=MadeFrom(smoothing=(0.15, 0.05)))
    found = rows(results_csv([run]))
    ours = [row for row in found if row["source"] == "ours"]
    assert len(ours) == 4 + 3 * 2, "four scores; three of two classes, of which a third does not occur"
    miou = next(row for row in ours if row["metric"] == "mIoU")
    assert float(miou["mean_percent"]) == pytest.approx(50, abs=1e-12)
    assert len(miou["std_percent"]) > 12
    assert (miou["weights"], miou["class"], miou["seeds"], miou["spatial_temporal"]) == ("a, b", "", "2", "0.15")
    assert len(found) - len(ours) == 480 + 216 + 24
    assert {row["source"] for row in found} == {
        "ours",
        *(f"arXiv 2405.01217, Table {n}" for n in ("II", "III", "IV", "V", "VI")),
    }


def test_seeds_hold_each_score(make_run: MakeRun) -> None:
    found = rows(seeds_csv([make_run("midF", 0.1, 0.7, seeds=[3, 5])]))
    miou = [(row["seed"], float(row["percent"])) for row in found if row["metric"] == "mIoU"]
    assert miou == [("3", pytest.approx(10)), ("5", pytest.approx(70))]
    water = [float(row["percent"]) for row in found if (row["metric"], row["class"]) == ("recall", "water")]
    assert water == pytest.approx([10, 70])


def test_a_single_seed_leaves_deviation_and_interval_empty(make_run: MakeRun) -> None:
    runs = [make_run("midF", 0.5), make_run("random", 0.25)]
    assert rows(results_csv(runs))[0]["std_percent"] == ""
    found = rows(differences_csv(differences(runs, Pairing())))
    assert [row["metric"] for row in found] == ["OA", "AA", "mIoU", "mF1"]
    assert found[2]["mean_points"] == "25.0"
    assert (found[2]["low_points"], found[2]["high_points"], found[2]["seeds"]) == ("", "", "0")
