import json
from pathlib import Path

import pytest

from pipeline.live.training import read_training
from pipeline.schema.layout import PretrainLayout, RunLayout

LONG_AGO, NOT_YET = "2020-01-01T00:00:00.000+00:00", "2990-01-01T00:00:00.000+00:00"


def test_the_last_whole_line_of_the_log(tmp_path: Path) -> None:
    run = RunLayout(tmp_path)
    assert read_training(run, LONG_AGO) is None
    layout = PretrainLayout(tmp_path / "pretrain")
    layout.root.mkdir()
    layout.record.write_text(json.dumps({"settings": {"epochs": 40}}))
    begun = read_training(run, LONG_AGO)
    assert begun is not None
    assert (begun.epoch, begun.epochs, begun.train_loss) == (0, 40, None)
    layout.log.write_text('{"epoch": 1, "train_loss": 3.5}\n{"epoch": 2, "train_loss": 2.5, "val_loss": 2.75}\n{"epo')
    found = read_training(run, LONG_AGO)
    assert found is not None
    assert (found.epoch, found.epochs, found.train_loss, found.val_loss) == (2, 40, 2.5, 2.75)
    assert read_training(run, NOT_YET) is None  # an earlier run's
    assert read_training(run, None) is None


@pytest.mark.parametrize("log", ["", "nonsense}\n", '{"no": "epoch"}\n'])
def test_what_cannot_be_read_is_none(tmp_path: Path, log: str) -> None:
    layout = PretrainLayout(tmp_path / "pretrain")
    layout.root.mkdir()
    layout.record.write_text(json.dumps({"settings": {"epochs": 40}}))
    layout.log.write_text(log)
    assert read_training(RunLayout(tmp_path), LONG_AGO) is None
