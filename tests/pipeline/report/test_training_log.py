import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.report.training_log import read_pretraining
from pipeline.schema.errors import NoldoError
from pipeline.schema.layout import PretrainLayout


def test_a_whole_run_is_read_and_its_half_written_last_line_passed_over(make_run: Callable[..., Any]) -> None:
    pretraining = read_pretraining(PretrainLayout(make_run().layout.pretrain))
    assert pretraining is not None
    assert [epoch.epoch for epoch in pretraining.epochs] == list(range(1, 7))
    assert pretraining.epochs[0].train_loss == pytest.approx(3.6)
    result = pretraining.result
    assert result is not None
    assert (result.against, result.scores["network_s2"].miou) == ("truth", 0.61)
    assert result.scores["dw_label"].per_class_iou[8] is None
    assert result.selection_auc["s2"] == 0.81


def test_no_folder_is_no_run(tmp_path: Path) -> None:
    assert read_pretraining(PretrainLayout(tmp_path / "pretrain")) is None


def test_an_unfinished_run_has_epochs_and_no_result(make_run: Callable[..., Any]) -> None:
    layout = PretrainLayout(make_run().layout.pretrain)
    layout.result.unlink()
    pretraining = read_pretraining(layout)
    assert pretraining is not None
    assert pretraining.result is None
    assert len(pretraining.epochs) == 6


def test_an_epoch_that_was_run_twice_counts_once_and_as_it_went_last(tmp_path: Path) -> None:
    layout = PretrainLayout(tmp_path)
    lines = [{"epoch": e, "train_loss": loss} for e, loss in [(1, 3.0), (2, 2.5), (2, 2.0)]]
    layout.log.write_text("\n".join(json.dumps(line) for line in lines))
    pretraining = read_pretraining(layout)
    assert pretraining is not None
    assert [(e.epoch, e.train_loss) for e in pretraining.epochs] == [(1, 3.0), (2, 2.0)]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("log.jsonl", '{"epoch": 0}\n', "'train_loss' field required"),
        ("log.jsonl", "{oops}\n", "log.jsonl cannot be read"),
        ("result.json", '{"scores": {"network_s2": {"oa": "high"}}}', "scores.network_s2.oa"),
        ("result.json", "", "result.json cannot be read"),
    ],
)
def test_what_is_damaged_is_named(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(NoldoError, match=words):
        read_pretraining(PretrainLayout(tmp_path))
