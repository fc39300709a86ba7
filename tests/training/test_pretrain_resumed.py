"""A run that was stopped goes on, at whatever step, as if it had never stopped."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.layout import PretrainLayout
from training import look
from training.epoch_log import read_log
from training.pretrain import PretrainResult, pretrain
from training.progress import PretrainProgress
from training.settings import PretrainSettings
from training.step import StepLosses, step_losses
from training.validate import validate

OnProgress = Callable[[PretrainProgress], None]

TIMED = {"seconds", "waited", "locations_per_s", "data_wait_share"}


class DiedError(Exception):
    """Stands for a kill: nothing is saved any more."""


def silent(progress: PretrainProgress) -> None:
    pass


def run(
    settings: PretrainSettings,
    store: Path,
    out: Path,
    on_progress: OnProgress = silent,
    *,
    resume: bool = False,
) -> PretrainResult:
    return pretrain(settings, store, out, reference=None, resume=resume, on_progress=on_progress)


def at(epoch: int, step: int, act: Callable[[], Any]) -> OnProgress:
    def watch(progress: PretrainProgress) -> None:
        if (progress.epoch, progress.step) == (epoch, step):
            act()

    return watch


def die() -> None:
    raise DiedError


def ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


def checkpoint(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(PretrainLayout(out).checkpoint, weights_only=True)
    return content


def position(out: Path) -> tuple[int, int]:
    (process,) = checkpoint(out)["processes"]
    return process["epoch"], process["steps"]


def assert_same_run(left: Path, right: Path, epochs: int = 2) -> None:
    a, b = checkpoint(left), checkpoint(right)
    assert all(torch.equal(v, b["network"][k]) for k, v in a["network"].items())
    for key, moments in a["optimizer"]["state"].items():
        assert all(torch.equal(v, b["optimizer"]["state"][key][k]) for k, v in moments.items())
    assert a["scheduler"] == b["scheduler"]
    for one, other in zip(a["processes"], b["processes"], strict=True):
        for name, value in one.items():
            same = torch.equal(value, other[name]) if isinstance(value, torch.Tensor) else value == other[name]
            assert same or name in TIMED
    logs = [
        [{k: v for k, v in line.items() if k not in TIMED} for line in read_log(PretrainLayout(out).log, epochs)]
        for out in (left, right)
    ]
    assert logs[0] == logs[1]
    weights = [load_file(PretrainLayout(out).weights) for out in (left, right)]
    assert all(torch.equal(v, weights[1][k]) for k, v in weights[0].items())


@pytest.fixture(scope="module")
def settings(tiny_settings: PretrainSettings) -> PretrainSettings:
    """Three steps an epoch, rotations in most: none is without random numbers. Few weights, as they are often saved."""
    changed = {"batch_size": 2, "rotation_p": 0.9}
    return type(tiny_settings).model_validate({**tiny_settings.model_dump(), **changed})


@pytest.fixture(scope="module")
def store(small: tuple[Path, Path]) -> Path:
    return small[0]


@pytest.fixture(scope="module")
def whole(store: Path, settings: PretrainSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was never stopped."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    run(settings, store, out)
    return out


@pytest.mark.parametrize("stop", [(1, 1), (1, 2), (1, 3), (2, 1), (2, 3)])
def test_stopped_by_ctrl_c_after_any_step(
    stop: tuple[int, int], whole: Path, store: Path, settings: PretrainSettings, tmp_path: Path
) -> None:
    out = tmp_path / "r"
    with pytest.raises(KeyboardInterrupt):
        run(settings, store, out, at(*stop, ctrl_c))
    assert position(out) == (stop[0] - 1, stop[1])
    with pytest.raises(UsageError, match="add --resume"):
        run(settings, store, out)
    torch.rand(17)
    seen: list[tuple[int, int]] = []
    run(settings, store, out, lambda p: seen.append((p.epoch, p.step)), resume=True)
    steps = [(epoch, step) for epoch in (1, 2) for step in (1, 2, 3)]
    assert seen == steps[steps.index(stop) + 1 :]
    assert_same_run(whole, out)
    events = EventAccumulator(str(PretrainLayout(out).tensorboard))
    events.Reload()
    assert [e.step for e in events.Scalars("step/train_loss")] == [1, 2, 3, 4, 5, 6]


def test_stopped_twice_in_one_epoch(whole: Path, store: Path, settings: PretrainSettings, tmp_path: Path) -> None:
    out = tmp_path / "r"
    for step in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            run(settings, store, out, at(2, step, ctrl_c), resume=True)
    run(settings, store, out, resume=True)
    assert_same_run(whole, out)


def test_killed_after_a_checkpoint_in_mid_epoch(
    whole: Path, store: Path, settings: PretrainSettings, tmp_path: Path
) -> None:
    out = tmp_path / "r"
    often = settings.model_copy(update={"checkpoint_minutes": 1e-9})
    with pytest.raises(DiedError):
        run(often, store, out, at(2, 3, die))
    assert position(out) == (1, 2)
    run(settings, store, out, resume=True)
    assert_same_run(whole, out)


def test_killed_long_after_the_last_checkpoint(
    whole: Path, store: Path, settings: PretrainSettings, tmp_path: Path
) -> None:
    out = tmp_path / "r"
    with pytest.raises(DiedError):
        run(settings, store, out, at(2, 3, die))
    assert position(out) == (1, 0)
    with PretrainLayout(out).log.open("a") as log:
        log.write('{"epoch": 2, "train_lo')
    run(settings, store, out, resume=True)
    assert_same_run(whole, out)


def test_told_to_stop_while_validating_it_keeps_the_epoch(
    whole: Path, store: Path, settings: PretrainSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(*arguments: Any) -> float:
        ctrl_c()
        return real(*arguments)

    real = validate
    out = tmp_path / "r"
    monkeypatch.setattr("training.pretrain.validate", told)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run(settings, store, out, resume=True)
    monkeypatch.undo()
    assert position(out) == (2, 0)
    run(settings, store, out, lambda progress: pytest.fail("it trained"), resume=True)
    assert_same_run(whole, out)


def test_no_checkpoint_holds_a_loss_that_is_no_number(
    store: Path, settings: PretrainSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However seldom the losses are looked at, and however often the run is saved."""
    calls: list[None] = []

    def diverging(*arguments: Any, **options: Any) -> StepLosses:
        losses = step_losses(*arguments, **options)
        calls.append(None)
        return StepLosses(losses.total * float("nan"), losses.parts) if len(calls) == 5 else losses

    monkeypatch.setattr("training.train_step.step_losses", diverging)
    monkeypatch.setitem(look.LOOK_EVERY, "cpu", 3)
    often = settings.model_copy(update={"checkpoint_minutes": 1e-9})
    with pytest.raises(NoldoError, match="epoch 2, step 2: the training loss is nan"):
        run(often, store, tmp_path / "r")
    assert position(tmp_path / "r") == (1, 1)
    assert all(torch.isfinite(v).all() for v in checkpoint(tmp_path / "r")["network"].values())
    calls.clear()
    with pytest.raises(NoldoError, match="epoch 2, steps 1 to 3: the training loss is nan"):
        run(settings, store, tmp_path / "seldom")
    assert position(tmp_path / "seldom") == (1, 0)


def test_another_number_of_looks_changes_nothing(
    whole: Path, store: Path, settings: PretrainSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(look.LOOK_EVERY, "cpu", 2)
    seen: list[int] = []
    run(settings, store, tmp_path / "r", lambda p: seen.append(p.step))
    assert seen == [2, 3, 2, 3]
    assert_same_run(whole, tmp_path / "r")
