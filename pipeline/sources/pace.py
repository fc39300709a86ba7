"""How fast a source may be asked: a slot for every request under way, within limits that all requests share."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from pydantic import Field

from pipeline.schema.errors import FailureKind, SourceError
from pipeline.schema.records import Attempt
from pipeline.schema.strict import Strict
from pipeline.sources.pace_keeper import PaceKeeper, Ticket

OK: Final = "ok"
"""How a request that succeeded ended; others end with a FailureKind's value."""


class PaceSettings(Strict):
    """How many requests the whole build sends, all its workers together."""

    concurrent: int = Field(default=40, gt=0)
    """Requests under way at once; Earth Engine allows a project 40 by default (guide, 'Usage quotas')."""
    per_second: int = Field(default=100, gt=0)
    """Requests begun in any one second; Earth Engine allows a project 100 (guide, 'Usage quotas')."""


class BudgetSpentError(SourceError):
    """The month's compute budget allows no further request; what is under way may end."""

    def __init__(self, message: str = "the compute budget of this month is spent") -> None:
        super().__init__(FailureKind.QUOTA, message)

    def __reduce__(self) -> tuple[type["BudgetSpentError"], tuple[str]]:  # type: ignore[override]
        """Pickle the message alone."""
        return type(self), (str(self),)


class Slot(Protocol):
    """The right to have one request under way."""

    def ended(self, kind: str) -> None:
        """Say how the request ended, 'ok' or a FailureKind's value; without it nothing is learned."""
        ...


class Pace(Protocol):
    """Hands out slots, to any number of threads."""

    def slot(self, cost: float) -> AbstractContextManager[Slot]:
        """Wait for a slot and hold it: only while one request is under way, not while pausing or decoding.

        `cost` is the request's assumed compute in EECU-seconds, 0 where there is no budget. Raises
        BudgetSpentError where the budget does not hold it, SourceError where the build is being ended.
        """
        ...


@dataclass(frozen=True)
class BoundLink:
    """What a source needs from the build around it; any thread may use it."""

    pace: Pace
    report: Callable[[Attempt], None]
    """Takes every attempt as it ends."""
    costs: Mapping[str, float] = field(default_factory=dict)
    """Assumed compute of one request by stage, EECU-seconds; a stage that is not there costs nothing."""


class Link(Protocol):
    """Travels with a job to wherever its tasks run."""

    def bind(self) -> BoundLink:
        """The build's end of the link, to be called in the task's own thread."""
        ...


class _Ending:
    """A slot that remembers how its request ended."""

    def __init__(self) -> None:
        self.kind = ""

    def ended(self, kind: str) -> None:
        self.kind = kind


class LocalPace:
    """A Pace for the threads of one process."""

    def __init__(self, settings: PaceSettings | None = None, budget_eecu_s: float | None = None) -> None:
        """`budget_eecu_s` is what may still be spent; without it there is no budget."""
        chosen = settings or PaceSettings()
        self._keeper = PaceKeeper(chosen.concurrent, chosen.per_second, budget_eecu_s)
        self._turn = threading.Condition()
        self._number = 0
        self._answers: dict[int, bool] = {}

    @contextmanager
    def slot(self, cost: float) -> Iterator[Slot]:
        """As in Pace."""
        number, ending = self._wait(cost), _Ending()
        try:
            yield ending
        finally:
            with self._turn:
                self._keeper.end("", number, ending.kind, time.monotonic())
                self._hand_out()

    def _wait(self, cost: float) -> int:
        with self._turn:
            self._number += 1
            number = self._number
            self._keeper.ask(Ticket("", number, cost))
            try:
                self._hand_out()
                while number not in self._answers:
                    due = self._keeper.wake_at(time.monotonic())
                    self._turn.wait(None if due is None else max(due - time.monotonic(), 0.0))
                    self._hand_out()
            except BaseException:
                self._keeper.end("", number, "", time.monotonic())
                raise
            if not self._answers.pop(number):
                raise BudgetSpentError
        return number

    def _hand_out(self) -> None:
        answers = self._keeper.answers(time.monotonic())
        if answers:
            self._answers.update({answer.ticket.number: answer.granted for answer in answers})
            self._turn.notify_all()


def _ignored(_: Attempt) -> None:
    """Nobody listens."""


def own_link(report: Callable[[Attempt], None] = _ignored) -> BoundLink:
    """For a source outside any build: the default pace, kept for this link alone."""
    return BoundLink(LocalPace(), report)


@dataclass(frozen=True)
class OwnLink:
    """A Link for tasks run by hand: every binding keeps a pace of its own, and nobody listens."""

    def bind(self) -> BoundLink:
        """As in Link."""
        return own_link()
