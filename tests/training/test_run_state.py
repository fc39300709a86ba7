"""Checkpoints are whole or absent, and a damaged one is named."""

from pathlib import Path
from typing import Any, BinaryIO

import pytest
import torch

from pipeline.schema.errors import NoldoError
from training.compute import choose_compute
from training.run_state import RunState, load_state, new_state, save_state
from training.settings import PretrainSettings
from training.step import StepLosses
from training.under_way import UnderWay
from training.world import ALONE, World


@pytest.fixture
def settings(tiny_settings: PretrainSettings) -> PretrainSettings:
    """Few weights, as they are often saved."""
    return tiny_settings.model_copy(update={"encoder": "tu-resnet10t"})


@pytest.fixture
def state(settings: PretrainSettings) -> RunState:
    return new_state(settings, choose_compute(settings))


def step(state: RunState) -> None:
    loss = torch.stack([p.square().sum() for p in state.network.parameters()]).sum()
    state.optimizer.zero_grad()
    torch.autograd.backward(loss)
    state.optimizer.step()
    state.scheduler.step(loss.item())


def begun(settings: PretrainSettings, epoch: int) -> UnderWay:
    return UnderWay.begin(epoch, seed=settings.seed, world=ALONE, device=torch.device("cpu"))


def test_initial_weights_follow_from_the_seed(settings: PretrainSettings, state: RunState) -> None:
    compute = choose_compute(settings)
    again = new_state(settings, compute).network.state_dict()
    other = new_state(settings.model_copy(update={"seed": 1}), compute).network.state_dict()
    assert all(torch.equal(again[k], v) for k, v in state.network.state_dict().items())
    assert not all(torch.equal(other[k], v) for k, v in state.network.state_dict().items())


def test_what_is_saved_comes_back_and_goes_on_alike(
    tmp_path: Path, settings: PretrainSettings, state: RunState
) -> None:
    compute = choose_compute(settings)
    step(state)
    epoch = begun(settings, 7)
    epoch.stepped(StepLosses(torch.tensor(3.0), {"consistency": torch.tensor(1.0)}), 4)
    torch.rand(5, generator=epoch.augmentation)
    save_state(tmp_path / "c.pt", state, epoch)
    drawn = torch.rand(3)
    back = new_state(settings, compute)
    again = load_state(tmp_path / "c.pt", back, compute)
    assert (again.epoch, again.steps) == (7, 1)
    assert again.sums.own() == ({"train_loss": 12.0, "consistency": 4.0}, 4)
    assert torch.equal(torch.rand(9, generator=again.augmentation), torch.rand(9, generator=epoch.augmentation))
    assert torch.equal(torch.rand(3), drawn)
    step(state)
    step(back)
    assert all(torch.equal(back.network.state_dict()[k], v) for k, v in state.network.state_dict().items())
    assert back.scheduler.state_dict() == state.scheduler.state_dict()


def test_a_save_that_fails_keeps_the_last_checkpoint(
    tmp_path: Path, settings: PretrainSettings, state: RunState, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_state(tmp_path / "c.pt", state, begun(settings, 1))
    before = (tmp_path / "c.pt").read_bytes()

    def full(content: object, file: BinaryIO) -> None:
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="no space"):
        save_state(tmp_path / "c.pt", state, begun(settings, 2))
    assert (tmp_path / "c.pt").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["c.pt"]


@pytest.mark.parametrize("astray", ["weight", "statistic", "moment", "loss"])
def test_what_is_no_number_any_more_is_not_saved(
    tmp_path: Path, settings: PretrainSettings, state: RunState, astray: str
) -> None:
    step(state)
    epoch = begun(settings, 1)
    save_state(tmp_path / "c.pt", state, epoch)
    before = (tmp_path / "c.pt").read_bytes()
    with torch.no_grad():
        if astray == "weight":
            next(state.network.parameters())[0, 0, 0, 0] = float("inf")
        elif astray == "statistic":
            next(b for b in state.network.buffers() if b.is_floating_point())[0] = float("nan")
        elif astray == "moment":
            next(iter(state.optimizer.state.values()))["exp_avg_sq"][0, 0, 0, 0] = float("inf")
        else:
            epoch.stepped(StepLosses(torch.tensor(float("nan")), {}), 4)
    with pytest.raises(NoldoError, match=r"epoch 2, after step \d: .* no finite numbers") as refused:
        save_state(tmp_path / "c.pt", state, epoch)
    assert "The last sound state is kept" in str(refused.value)
    assert (tmp_path / "c.pt").read_bytes() == before


def test_a_checkpoint_of_another_number_of_processes_is_refused(
    tmp_path: Path, settings: PretrainSettings, state: RunState
) -> None:
    save_state(tmp_path / "c.pt", state, begun(settings, 1))
    with pytest.raises(NoldoError, match="is of 1 processes, not 2; start as many as before"):
        load_state(tmp_path / "c.pt", state, choose_compute(settings), World(1, 2, 1))


@pytest.mark.parametrize("content", [b"", b"rubbish", None])
def test_a_damaged_checkpoint_is_named(
    tmp_path: Path, settings: PretrainSettings, state: RunState, content: bytes | None
) -> None:
    path = tmp_path / "c.pt"
    save_state(path, state, begun(settings, 1))
    path.write_bytes(path.read_bytes()[:5000] if content is None else content)
    with pytest.raises(NoldoError, match=r"c\.pt cannot be resumed from"):
        load_state(path, state, choose_compute(settings))


class Intruder:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("executed",))


def test_a_checkpoint_cannot_run_code(
    tmp_path: Path, settings: PretrainSettings, state: RunState, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"network": Intruder()}, tmp_path / "c.pt")
    with pytest.raises(NoldoError, match="cannot be resumed from"):
        load_state(tmp_path / "c.pt", state, choose_compute(settings))
    assert "executed" not in capsys.readouterr().out
