"""Checkpoints are whole or absent, and a damaged one is named."""

from pathlib import Path
from typing import Any, BinaryIO

import pytest
import torch

from pipeline.schema.errors import NoldoError
from training.compute import choose_compute
from training.run_state import RunState, load_state, new_state, save_state
from training.settings import PretrainSettings


@pytest.fixture
def state(tiny_settings: PretrainSettings) -> RunState:
    return new_state(tiny_settings, choose_compute(tiny_settings))


def step(state: RunState) -> None:
    loss = torch.stack([p.square().sum() for p in state.network.parameters()]).sum()
    state.optimizer.zero_grad()
    torch.autograd.backward(loss)
    state.optimizer.step()
    state.scheduler.step(loss.item())


def test_initial_weights_follow_from_the_seed(tiny_settings: PretrainSettings, state: RunState) -> None:
    compute = choose_compute(tiny_settings)
    again = new_state(tiny_settings, compute).network.state_dict()
    other = new_state(tiny_settings.model_copy(update={"seed": 1}), compute).network.state_dict()
    assert all(torch.equal(again[k], v) for k, v in state.network.state_dict().items())
    assert not all(torch.equal(other[k], v) for k, v in state.network.state_dict().items())


def test_what_is_saved_comes_back_and_goes_on_alike(
    tmp_path: Path, tiny_settings: PretrainSettings, state: RunState
) -> None:
    compute = choose_compute(tiny_settings)
    step(state)
    save_state(tmp_path / "c.pt", state, 7)
    drawn = torch.rand(3)
    back = new_state(tiny_settings, compute)
    assert load_state(tmp_path / "c.pt", back, compute) == 7
    assert torch.equal(torch.rand(3), drawn)
    step(state)
    step(back)
    assert all(torch.equal(back.network.state_dict()[k], v) for k, v in state.network.state_dict().items())
    assert back.scheduler.state_dict() == state.scheduler.state_dict()


def test_a_save_that_fails_keeps_the_last_checkpoint(
    tmp_path: Path, state: RunState, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_state(tmp_path / "c.pt", state, 1)
    before = (tmp_path / "c.pt").read_bytes()

    def full(content: object, file: BinaryIO) -> None:
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="no space"):
        save_state(tmp_path / "c.pt", state, 2)
    assert (tmp_path / "c.pt").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["c.pt"]


@pytest.mark.parametrize("content", [b"", b"rubbish", None])
def test_a_damaged_checkpoint_is_named(
    tmp_path: Path, tiny_settings: PretrainSettings, state: RunState, content: bytes | None
) -> None:
    path = tmp_path / "c.pt"
    save_state(path, state, 1)
    path.write_bytes(path.read_bytes()[:5000] if content is None else content)
    with pytest.raises(NoldoError, match=r"c\.pt cannot be resumed from"):
        load_state(path, state, choose_compute(tiny_settings))


class Intruder:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("executed",))


def test_a_checkpoint_cannot_run_code(
    tmp_path: Path, tiny_settings: PretrainSettings, state: RunState, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"network": Intruder()}, tmp_path / "c.pt")
    with pytest.raises(NoldoError, match="cannot be resumed from"):
        load_state(tmp_path / "c.pt", state, choose_compute(tiny_settings))
    assert "executed" not in capsys.readouterr().out
