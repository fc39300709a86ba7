"""The log holds the epochs that the checkpoint holds, or says that it does not."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.schema.errors import NoldoError
from training.epoch_log import append_log, keep_log, read_log


def test_the_log_is_cut_back_to_what_the_checkpoint_holds(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    for epoch in (1, 2, 3):
        append_log(log, {"epoch": epoch})
    with log.open("a") as file:
        file.write('{"epoch": 4, "train_lo')
    keep_log(log, 2)
    assert read_log(log, 2) == [{"epoch": 1}, {"epoch": 2}]
    assert len(log.read_text().splitlines()) == 2
    keep_log(log, 0)
    assert log.read_text() == ""
    assert [p.name for p in tmp_path.iterdir()] == ["log.jsonl"]


@pytest.mark.parametrize("epochs", [(), (1, 3), (1, 2), (2, 3), (1, 1, 2, 3), (3, 2, 1), (0, 1, 2)])
def test_a_log_without_each_epoch_once_is_refused_and_left_as_it_is(tmp_path: Path, epochs: Sequence[int]) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps({"epoch": epoch}) + "\n" for epoch in epochs))
    before = log.read_text()
    with pytest.raises(NoldoError, match=r"log\.jsonl does not hold the epochs 1 to 3"):
        keep_log(log, 3)
    assert log.read_text() == before


def test_a_failed_write_leaves_the_log_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log.jsonl"
    append_log(log, {"epoch": 1})

    def full_disk(descriptor: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="no space left"):
        keep_log(log, 1)
    assert log.read_text() == '{"epoch": 1}\n'
    assert [p.name for p in tmp_path.iterdir()] == ["log.jsonl"]
