import csv
import os
from importlib.resources import files
from pathlib import Path

import pytest

from training.tables.names import DATASETS, TABLE_NUMBERS
from training.tables.published_figures import ablation_scores, smoothing_scores, transfer_scores

PAPER = Path(os.environ.get("NOLDO_REAL", Path(__file__).parents[4] / "shared" / "real")).with_name("paper")


@pytest.mark.parametrize("name", ["transfer_results.csv", "ablation_results.csv", "label_smoothing_results.csv"])
def test_the_figures_are_those_that_were_handed_down(name: str) -> None:
    if not PAPER.is_dir():
        pytest.skip(f"no {PAPER}")
    with (PAPER / name).open(newline="") as file:
        expected = list(csv.DictReader(file))
    held = list(csv.DictReader((files("training.tables") / "published" / name).read_text().splitlines()))
    assert held == expected


def test_every_row_of_tables_ii_to_iv_has_both_modes_and_all_metrics() -> None:
    for dataset in DATASETS:
        scores = transfer_scores(dataset, TABLE_NUMBERS[dataset])
        rows = {(s.input, s.backbone, s.name, s.s2_bands) for s in scores}
        assert len(rows) == 20
        assert len({(s.input, s.backbone, s.name, s.s2_bands, s.encoder, s.metric) for s in scores}) == 160
        assert len(scores) == 160
        assert all(s.s2_bands is None for s in scores if s.input == "S1")


def test_some_figures_as_printed() -> None:
    """Read off the text of arXiv 2405.01217, Tables II, V and VI."""
    two = {(s.name, s.s2_bands, s.encoder, s.metric): (s.mean, s.std) for s in transfer_scores("dfc2020", "II")}
    assert two["CromSS-midF", 13, "frozen", "mIoU"] == (42.52, 0.11)
    assert two["random", None, "frozen", "OA"] == (53.89, 0.56)
    five = {(s.dataset, s.input, s.name, s.encoder, s.metric): (s.mean, s.decimals) for s in ablation_scores()}
    assert len(five) == 216
    assert five["osm", "S2", "CromSS-midF", "fine-tuned", "OA"] == (86.04, 2)
    assert five["osm", "S1", "single-modal", "fine-tuned", "mIoU"] == (36.2, 1)
    six = {(s.dataset, s.smoothing, s.encoder): s.mean for s in smoothing_scores()}
    assert len(six) == 24
    assert six["dw", (0.2, 0.0), "fine-tuned"] == 61.61


def test_a_set_that_is_not_the_papers_has_no_figures() -> None:
    assert transfer_scores("eurosat", "") == ()
