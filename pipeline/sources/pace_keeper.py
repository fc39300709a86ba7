"""Who may send a request now. Pure: it is told the time, and neither waits nor sends anything."""

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

from pipeline.schema.errors import FailureKind

BACK_OFF: Final = 0.7
"""A refusal for quota takes the limit down to this share of itself."""

COOL_DOWN_S: Final = 2.0
"""Refusals within this time of the last lowering speak of the old limit, and lower it no further."""

SECOND: Final = 1.0
"""The span over which a rate is counted, seconds."""


@dataclass(frozen=True)
class Ticket:
    """One request that wants to be sent."""

    holder: str
    """Who asks, a worker's address for one; all that it holds comes back when it leaves."""
    number: int
    """Unique among its holder's tickets."""
    cost: float
    """Assumed compute, EECU-seconds."""


@dataclass(frozen=True)
class Answer:
    """What became of a ticket."""

    ticket: Ticket
    granted: bool
    """False where the budget does not hold its cost."""


class PaceKeeper:
    """Bounds requests under way (raised slowly, lowered on a refusal), requests a second, and compute.

    Additive increase, multiplicative decrease (Chiu and Jain 1989): +1 for as many successes as the limit
    has places, x0.7 on a refusal for quota. First come, first served.
    """

    def __init__(self, concurrent: int, per_second: int, budget_eecu_s: float | None = None) -> None:
        """The limit begins at `concurrent`, the most it can be; `budget_eecu_s` is what may still be spent."""
        self._most = concurrent
        self._per_second = per_second
        self._left = math.inf if budget_eecu_s is None else budget_eecu_s
        self._limit = float(concurrent)
        self._waiting: deque[Ticket] = deque()
        self._under_way: dict[tuple[str, int], Ticket] = {}
        self._begun: deque[float] = deque()
        self._successes = 0
        self._lowered = -math.inf

    @property
    def limit(self) -> int:
        """Requests that may be under way now."""
        return int(self._limit)

    @property
    def under_way(self) -> int:
        """Requests under way."""
        return len(self._under_way)

    @property
    def waiting(self) -> int:
        """Tickets without an answer."""
        return len(self._waiting)

    @property
    def left_eecu_s(self) -> float:
        """Compute that may still be spent, EECU-seconds; infinite without a budget."""
        return self._left

    def ask(self, ticket: Ticket) -> None:
        """Put a ticket in the queue."""
        self._waiting.append(ticket)

    def end(self, holder: str, number: int, kind: str, now: float) -> None:
        """A request has ended, or its ticket is not wanted any more; learn from how it ended."""
        ticket = self._under_way.pop((holder, number), None)
        if ticket is None:
            self._waiting = deque(t for t in self._waiting if (t.holder, t.number) != (holder, number))
            return
        if kind == FailureKind.QUOTA:
            self._left += ticket.cost  # refused before anything was computed
            self._lower(now)
        elif kind == "ok":
            self._successes += 1
            if self._successes >= self._limit:
                self._successes = 0
                self._limit = min(self._limit + 1.0, float(self._most))

    def leave(self, holder: str) -> None:
        """A holder is gone, with everything that it wanted and held."""
        self._waiting = deque(t for t in self._waiting if t.holder != holder)
        for key in [key for key in self._under_way if key[0] == holder]:
            del self._under_way[key]

    def dismiss(self) -> list[Ticket]:
        """Forget all that wait, and say who they were."""
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting

    def answers(self, now: float) -> list[Answer]:
        """Every ticket that can be answered now, in the order of asking; granted ones count as under way."""
        answered: list[Answer] = []
        while self._waiting:
            ticket = self._waiting[0]
            affordable = ticket.cost <= self._left
            if affordable and not (len(self._under_way) < self.limit and self._begin(now)):
                break
            self._waiting.popleft()
            if affordable:
                self._left -= ticket.cost
                self._under_way[ticket.holder, ticket.number] = ticket
            answered.append(Answer(ticket, affordable))
        return answered

    def wake_at(self, now: float) -> float | None:
        """When time alone lets the next ticket through; None where it does not."""
        if not self._waiting or len(self._under_way) >= self.limit or len(self._begun) < self._per_second:
            return None
        return max(self._begun[0] + SECOND, now)

    def _begin(self, now: float) -> bool:
        """Whether one more request may begin, counting it if so."""
        while self._begun and self._begun[0] + SECOND <= now:
            self._begun.popleft()
        if len(self._begun) >= self._per_second:
            return False
        self._begun.append(now)
        return True

    def _lower(self, now: float) -> None:
        self._successes = 0
        if now - self._lowered >= COOL_DOWN_S:
            self._lowered = now
            self._limit = max(1.0, self._limit * BACK_OFF)
