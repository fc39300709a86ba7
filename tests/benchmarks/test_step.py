"""The benchmark of the step, small; what it finds on a real machine is no test's matter."""

from collections.abc import Iterator

import pytest
import torch

import benchmarks.step
from benchmarks.step import MOST_APART, StepLoad, bench_step, load_for
from pipeline.schema.errors import NoldoError, UsageError

TINY = StepLoad("cpu", encoder="resnet18", batch=2, crop=32, steps=1, rounds=1)


@pytest.fixture(autouse=True)
def one_thread_and_no_processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setattr(benchmarks.step, "peak_gb", lambda name, store, settings: 1.0)
    yield
    torch.set_num_threads(threads)


def test_both_steps_are_compared_timed_and_counted() -> None:
    told: list[str] = []
    result = bench_step(TINY, tell=told.append)
    found = {figure.name: figure for figure in result.figures}
    assert 0 <= found["losses apart, relative"].value < MOST_APART  # batch norm over two values magnifies rounding
    assert found["ours over plain"].value == pytest.approx(found["ours"].value / found["plain"].value)
    assert found["ours"].goal == ""  # speed is held against its goals on a GPU
    assert 0 <= found["share of time waiting for data"].value <= 1
    assert found["arithmetic of the network"].value > 0
    assert result.settings["crop"] == "32 px"
    assert told[0] == "writing 8 locations"


def test_steps_that_do_not_compute_the_same_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmarks.step, "apart", lambda *_: float("nan"))
    with pytest.raises(NoldoError, match="do not compare"):
        bench_step(TINY, tell=lambda _: None)


def test_a_batch_that_does_not_fit_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> float:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(benchmarks.step, "apart", full)
    with pytest.raises(UsageError, match="batch of 2 does not fit"):
        bench_step(TINY, tell=lambda _: None)


def test_what_is_left_open_is_small_on_a_cpu_and_the_papers_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_for("cpu", crop=64) == StepLoad("cpu", "resnet50", batch=4, crop=64, steps=2)
    monkeypatch.setattr(benchmarks.step, "choose_compute", lambda _: type("C", (), {"device": torch.device("cuda")}))
    assert load_for("auto") == StepLoad("cuda", "resnet50", batch=128, crop=256, steps=10)
