"""TensorBoard reads back what was written, and nothing that a run has taken back."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from training.event_files import EventFiles


def file_numbers(*numbers: int) -> Any:
    """The numbers that end the names of the files to come: 9 sorts after 10."""
    return SimpleNamespace(get=iter(numbers).__next__)


def scalars(folder: Path, tag: str) -> list[tuple[int, float]]:
    events = EventAccumulator(str(folder))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars(tag)]


def test_scalars_come_back_by_group_and_name(tmp_path: Path) -> None:
    with EventFiles(tmp_path, steps_done=0) as events:
        events.add("step", {"train_loss": 2.0, "consistency": 0.5}, step=1)
        events.add("step", {"train_loss": 1.0}, step=2)
        events.flush()
    assert scalars(tmp_path, "step/train_loss") == [(1, 2.0), (2, 1.0)]
    assert scalars(tmp_path, "step/consistency") == [(1, 0.5)]


def test_steps_after_the_checkpoint_are_not_shown_twice(tmp_path: Path) -> None:
    with EventFiles(tmp_path, steps_done=0) as events:
        for step in (1, 2, 3):
            events.add("step", {"train_loss": float(step)}, step=step)
    with EventFiles(tmp_path, steps_done=1) as events:
        events.add("step", {"train_loss": 20.0}, step=2)
    assert scalars(tmp_path, "step/train_loss") == [(1, 1.0), (2, 20.0)]


def test_without_a_folder_nothing_is_written(tmp_path: Path) -> None:
    with EventFiles(None, steps_done=0) as events:
        events.add("step", {"train_loss": 1.0}, step=1)
        events.flush()
    assert list(tmp_path.iterdir()) == []


def test_of_files_opened_in_one_second_the_later_one_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tensorboard.summary.writer.event_file_writer._global_uid", file_numbers(9, 10))
    with EventFiles(tmp_path, steps_done=0) as events:
        events.add("step", {"train_loss": 1.0}, step=1)
    with EventFiles(tmp_path, steps_done=1) as events:
        events.add("step", {"train_loss": 2.0}, step=2)
    assert scalars(tmp_path, "step/train_loss") == [(1, 1.0), (2, 2.0)]
