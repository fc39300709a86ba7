"""A worker's end of the build: slots from the scheduler, attempts to the driver, for any thread."""

import itertools
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from distributed import Worker, get_worker
from distributed.core import Status

from pipeline.cluster.words import ASK, ATTEMPT, END, GO, OP, SPENT, topic
from pipeline.schema.errors import FailureKind, SourceError
from pipeline.schema.records import Attempt
from pipeline.sources.pace import BoundLink, BudgetSpentError, Slot

LOOK_S: Final = 1.0
"""A thread that waits for a slot looks this often whether its worker is still there, seconds."""

_GONE: Final = (Status.closing, Status.closed, Status.failed, Status.stopping, Status.stopped)

_lock = threading.Lock()


@dataclass(frozen=True)
class ClusterLink:
    """A Link for tasks on a cluster: names the build, and is bound on whichever worker it reaches."""

    build: str
    costs: Mapping[str, float] = field(default_factory=dict)

    def bind(self) -> BoundLink:
        """To be called in the task's own thread; the result serves any thread of its worker."""
        worker = get_worker()
        name = topic(self.build)

        def report(attempt: Attempt) -> None:
            worker.log_event(name, {ATTEMPT: asdict(attempt)})

        return BoundLink(WorkerPace(_slots_of(worker), self.build), report, self.costs)


class WorkerPace:
    """A Pace for the threads of one worker, kept for the whole cluster by the scheduler."""

    def __init__(self, slots: "WorkerSlots", build: str) -> None:
        self._slots = slots
        self._build = build

    @contextmanager
    def slot(self, cost: float) -> Iterator[Slot]:
        """As in Pace."""
        number = self._slots.ask(self._build, cost)
        held = _Held()
        try:
            yield held
        finally:
            self._slots.end(self._build, number, held.kind)


class _Held:
    """A slot that remembers how its request ended."""

    def __init__(self) -> None:
        self.kind = ""

    def ended(self, kind: str) -> None:
        self.kind = kind


class WorkerSlots:
    """What the threads of one worker have asked the scheduler for, whatever build they work for."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._numbers = itertools.count()
        self._waiting: dict[int, Future[str]] = {}
        worker.stream_handlers[OP] = self._heard

    def ask(self, build: str, cost: float) -> int:
        """Wait for a slot; returns its number. Raises BudgetSpentError or SourceError where there will be none."""
        number = next(self._numbers)
        answer: Future[str] = Future()
        self._waiting[number] = answer
        self._send({"build": build, "number": number, "what": ASK, "cost": cost})
        said = self._wait(answer)
        if said == SPENT:
            raise BudgetSpentError
        if said != GO:
            raise SourceError(FailureKind.TRANSIENT, "the build was ended before this could be asked for")
        return number

    def end(self, build: str, number: int, kind: str) -> None:
        """Give a slot back, and say how its request ended."""
        self._send({"build": build, "number": number, "what": END, "kind": kind})

    def _wait(self, answer: "Future[str]") -> str:
        while True:
            try:
                return answer.result(LOOK_S)
            except TimeoutError:
                if self._worker.status in _GONE:
                    return ""

    def _send(self, message: dict[str, Any]) -> None:
        self._worker.loop.add_callback(self._worker.batched_send, {"op": OP, **message})

    def _heard(self, number: int, answer: str) -> None:
        waiting = self._waiting.pop(number, None)
        if waiting is not None:
            waiting.set_result(answer)


def _slots_of(worker: Worker) -> WorkerSlots:
    with _lock:
        found: WorkerSlots | None = worker.extensions.get(OP)
        if found is None:
            found = worker.extensions[OP] = WorkerSlots(worker)
    return found
