"""Pretraining as the commands run it: what is shown, and which of several processes shows it."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.pretraining import display_here, progress_words, run_pretraining
from pipeline.progress import Display
from pipeline.schema.errors import UsageError
from training.progress import PretrainProgress
from training.settings import PretrainSettings
from training.world import VARIABLES, World


def progress(epoch: int, step: int, *, val_loss: float | None = None, wait: float = 0.0) -> PretrainProgress:
    return PretrainProgress(
        epoch=epoch, epochs=2, step=step, steps=5, train_loss=1.5, val_loss=val_loss,
        locations_per_s=9.87, data_wait_share=wait, eta_s=60.0,
    )  # fmt: skip


def be_process(rank: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in zip(VARIABLES, (str(rank), "2", str(rank)), strict=True):
        monkeypatch.setenv(name, value)


def test_the_wait_for_data_is_said_where_it_matters() -> None:
    assert progress_words(progress(1, 1)) == ["loss 1.500", "9.9 locations/s"]
    assert progress_words(progress(2, 1, val_loss=2.0, wait=0.25)) == [
        "loss 1.500", "9.9 locations/s", "25% waiting for data", "validation 2.000",
    ]  # fmt: skip


@pytest.mark.parametrize("rank", [0, 1])
def test_of_several_processes_the_first_shows(
    rank: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    be_process(rank, monkeypatch)
    with display_here() as display:
        display.note("it goes on")
    assert ("it goes on" in capsys.readouterr().err) is (rank == 0)


@pytest.mark.parametrize("rank", [0, 1])
def test_what_cannot_be_is_said_by_the_first_and_ends_all(
    rank: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*arguments: Any, world: World, **options: Any) -> None:
        assert (world.rank, world.size) == (rank, 2)
        raise UsageError("no")

    be_process(rank, monkeypatch)
    monkeypatch.setattr("training.pretrain.pretrain", refuse)
    with pytest.raises(UsageError if rank == 0 else SystemExit) as ended:
        run_pretraining(PretrainSettings(), tmp_path, tmp_path, tmp_path / "truth.zarr", Display())
    if rank:
        assert ended.value.code == UsageError.exit_status  # type: ignore[union-attr]


def test_steps_of_an_earlier_process_do_not_count_for_the_speed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shown: list[tuple[int, int, int]] = []

    class Watched(Display):
        def update(self, stage: str, done: int, total: int, **more: Any) -> None:
            shown.append((done, total, more["reused"]))

    def train(*arguments: Any, on_progress: Any, reference: Any, **options: Any) -> str:
        assert reference is None
        for step in (3, 4):
            on_progress(progress(2, step))
        return "done"

    monkeypatch.setattr("training.pretrain.pretrain", train)
    result: Any = run_pretraining(PretrainSettings(), tmp_path, tmp_path, tmp_path / "truth.zarr", Watched())
    assert result == "done"
    assert shown == [(8, 10, 8), (9, 10, 8)]
