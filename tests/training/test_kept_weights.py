"""The networks of earlier epochs: which are kept, and that a stopped run keeps what an unbroken one does."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from pipeline.schema.errors import UsageError
from pipeline.schema.layout import PretrainLayout
from training import look
from training.checkpoint import published_weights
from training.compute import choose_compute
from training.json_file import read_json, write_json
from training.kept_weights import drop_weights, keep_weights, kept_weights
from training.other_run import other_run
from training.pretrain import pretrain
from training.progress import PretrainProgress
from training.run_state import new_state
from training.settings import PretrainSettings

OnProgress = Callable[[PretrainProgress], None]


class DiedError(Exception):
    """Stands for a kill: nothing is saved any more."""


def silent(progress: PretrainProgress) -> None:
    pass


def stop_at(epoch: int, step: int) -> OnProgress:
    def watch(progress: PretrainProgress) -> None:
        if (progress.epoch, progress.step) == (epoch, step):
            signal.raise_signal(signal.SIGINT)

    return watch


def run(
    settings: PretrainSettings, store: Path, out: Path, *, watch: OnProgress = silent, resume: bool = False
) -> None:
    pretrain(settings, store, out, reference=None, resume=resume, on_progress=watch)


def assert_same_files(left: Path, right: Path) -> None:
    ours, theirs = (kept_weights(PretrainLayout(out)) for out in (left, right))
    assert list(ours) == list(theirs)
    for epoch, path in ours.items():
        a, b = load_file(path), load_file(theirs[epoch])
        assert a.keys() == b.keys()
        assert all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="module")
def settings(tiny_settings: PretrainSettings) -> PretrainSettings:
    changed = {"epochs": 4, "keep_every": 2}
    return PretrainSettings.model_validate({**tiny_settings.model_dump(), **changed})


@pytest.fixture(scope="module")
def store(small: tuple[Path, Path]) -> Path:
    return small[0]


@pytest.fixture(scope="module")
def whole(store: Path, settings: PretrainSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("kept") / "whole"
    run(settings, store, out)
    return out


def test_every_second_epoch_and_the_first_network_are_kept(
    whole: Path,
) -> None:
    layout = PretrainLayout(whole)
    kept = kept_weights(layout)
    assert kept == {e: whole / "epochs" / f"weights-{e:04d}.safetensors" for e in (0, 2, 4)}
    weights = {epoch: load_file(path) for epoch, path in kept.items()}
    last = load_file(layout.weights)
    assert all(torch.equal(tensor, weights[4][name]) for name, tensor in last.items())
    assert any(not torch.equal(tensor, weights[2][name]) for name, tensor in last.items())


def test_epoch_0_is_the_network_before_its_first_step(whole: Path, settings: PretrainSettings) -> None:
    untrained = published_weights(new_state(settings, choose_compute(settings)).network)
    kept = load_file(PretrainLayout(whole).kept_weights(0))
    assert kept.keys() == untrained.keys()
    assert all(torch.equal(tensor, untrained[name]) for name, tensor in kept.items())


def test_without_the_setting_nothing_is_kept(store: Path, settings: PretrainSettings, tmp_path: Path) -> None:
    run(settings.model_copy(update={"keep_every": None, "epochs": 1}), store, tmp_path / "r")
    assert not PretrainLayout(tmp_path / "r").epochs.exists()


@pytest.mark.parametrize("stop", [(1, 1), (2, 2), (3, 1)])
def test_a_resumed_run_keeps_what_an_unbroken_one_does(
    stop: tuple[int, int], whole: Path, store: Path, settings: PretrainSettings, tmp_path: Path
) -> None:
    out = tmp_path / "r"
    with pytest.raises(KeyboardInterrupt):
        run(settings, store, out, watch=stop_at(*stop))
    run(settings, store, out, resume=True)
    assert_same_files(out, whole)


def test_killed_between_the_kept_network_and_its_checkpoint(
    whole: Path, store: Path, settings: PretrainSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "r"

    def die(path: Path, state: Any, under_way: Any, world: Any) -> None:
        if under_way.epoch == 2:
            raise DiedError
        save(path, state, under_way, world)

    save = look.save_state
    with monkeypatch.context() as patch:
        patch.setattr(look, "save_state", die)
        with pytest.raises(DiedError):
            run(settings, store, out)
    layout = PretrainLayout(out)
    assert list(kept_weights(layout)) == [0, 2]  # the checkpoint has one epoch behind it
    layout.kept_weights(2).write_bytes(b"as a killed run might leave it")
    run(settings, store, out, resume=True)
    assert_same_files(out, whole)


def test_what_lies_beyond_the_checkpoint_is_dropped(tmp_path: Path) -> None:
    layout = PretrainLayout(tmp_path)
    network = torch.nn.Linear(2, 1)
    for epoch in range(7):
        keep_weights(layout, network, epoch=epoch, every=3)
    (layout.epochs / "weights-0009.safetensors.txt").touch()
    assert list(kept_weights(layout)) == [0, 3, 6]
    drop_weights(layout, after=4)
    assert list(kept_weights(layout)) == [0, 3]


def test_a_record_without_the_key_counts_as_default(whole: Path, settings: PretrainSettings, tmp_path: Path) -> None:
    record = read_json(PretrainLayout(whole).record)
    del record["settings"]["keep_every"]
    write_json(PretrainLayout(tmp_path).record, record)
    assert other_run(settings.model_copy(update={"keep_every": None}), tmp_path) is None
    assert other_run(settings, tmp_path) == "keep_every"


def test_another_keep_every_is_another_run(whole: Path, store: Path, settings: PretrainSettings) -> None:
    with pytest.raises(UsageError, match="another keep_every"):
        run(settings.model_copy(update={"keep_every": 1}), store, whole, resume=True)
