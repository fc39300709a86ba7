import threading
from collections.abc import Callable
from typing import Any

import pytest
from distributed.core import Status

from pipeline.cluster.words import ASK, END, GO, OP, OVER, SPENT
from pipeline.cluster.worker_side import WorkerPace, WorkerSlots
from pipeline.schema.errors import FailureKind, SourceError
from pipeline.sources.pace import BudgetSpentError


class FakeWorker:
    """As much of a Dask worker as the slots touch; answers every question with `says`."""

    def __init__(self, says: str | None) -> None:
        self.stream_handlers: dict[str, Callable[..., None]] = {}
        self.status = Status.running
        self.loop = self
        self.heard: list[dict[str, Any]] = []
        self._says = says

    def add_callback(self, function: Callable[..., None], *arguments: Any) -> None:
        threading.Thread(target=function, args=arguments).start()

    def batched_send(self, message: dict[str, Any]) -> None:
        self.heard.append(message)
        if message["what"] == ASK and self._says is not None:
            self.stream_handlers[OP](number=message["number"], answer=self._says)


def pace_of(worker: FakeWorker) -> WorkerPace:
    return WorkerPace(WorkerSlots(worker), "b")  # type: ignore[arg-type]


def sent(worker: FakeWorker, what: str) -> list[dict[str, Any]]:
    for _ in range(1000):
        found = [message for message in worker.heard if message["what"] == what]
        if found:
            return found
        threading.Event().wait(0.01)
    return []


def test_a_slot_is_asked_for_and_given_back_with_how_it_ended() -> None:
    worker = FakeWorker(GO)
    with pace_of(worker).slot(2.5) as slot:
        assert [m["cost"] for m in worker.heard] == [2.5]
        slot.ended("quota")
    (given_back,) = sent(worker, END)
    assert given_back["kind"] == "quota"
    assert given_back["number"] == worker.heard[0]["number"]
    assert given_back["build"] == "b"


def test_a_slot_comes_back_from_a_request_that_broke() -> None:
    worker = FakeWorker(GO)
    with pytest.raises(ZeroDivisionError), pace_of(worker).slot(0.0):
        raise ZeroDivisionError
    assert [m["kind"] for m in sent(worker, END)] == [""]


def test_a_spent_budget_and_an_ended_build_raise_and_hold_nothing() -> None:
    worker = FakeWorker(SPENT)
    with pytest.raises(BudgetSpentError), pace_of(worker).slot(1.0):
        pass
    other = FakeWorker(OVER)
    with pytest.raises(SourceError) as caught, pace_of(other).slot(1.0):
        pass
    assert caught.value.kind is FailureKind.TRANSIENT
    assert [m["what"] for m in (*worker.heard, *other.heard)] == [ASK, ASK]


def test_a_thread_does_not_wait_for_a_worker_that_is_gone() -> None:
    worker = FakeWorker(None)
    worker.status = Status.closed
    with pytest.raises(SourceError), pace_of(worker).slot(0.0):
        pass
