"""Counts what the server is asked and what it does about it, for tests, reports and benchmarks."""

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Traffic:
    """Counters that many threads share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_flight: Counter[str] = Counter()
        self.reset()

    def reset(self) -> None:
        """Start counting anew; requests in flight stay so."""
        with self._lock:
            self._requests: Counter[str] = Counter()
            self._faults: Counter[str] = Counter()
            self._unnoticed: Counter[str] = Counter()
            self._statuses: Counter[str] = Counter()
            self._busy_s: dict[str, float] = dict.fromkeys(self._in_flight, 0.0)
            self._clock_s = time.monotonic()
            self._recent: deque[float] = deque()
            self._peak_per_second = 0
            self._rejected = 0
            self._peak = self._in_flight.total()

    def count(self, endpoint: str) -> None:
        """One request of an endpoint has arrived."""
        with self._lock:
            self._requests[endpoint] += 1

    def count_fault(self, kind: str) -> None:
        """One fault was injected."""
        with self._lock:
            self._faults[kind] += 1

    def count_unnoticed(self, endpoint: str) -> None:
        """One answer of an endpoint was cut short with a Content-Length that agrees with what is left."""
        with self._lock:
            self._unnoticed[endpoint] += 1

    def count_status(self, status: int) -> None:
        """One compute request was answered with this HTTP status."""
        with self._lock:
            self._statuses[str(status)] += 1

    @contextmanager
    def admitted(self, limit: int, endpoint: str) -> Iterator[bool]:
        """Hold one of `limit` places for compute requests in flight; False, and no place held, where none is free."""
        with self._lock:
            room = self._in_flight.total() < limit
            self._arrived(self._pass_time())
            self._in_flight[endpoint] += room
            self._peak = max(self._peak, self._in_flight.total())
            self._rejected += not room
        try:
            yield room
        finally:
            with self._lock:
                self._pass_time()
                self._in_flight[endpoint] -= room

    def _pass_time(self) -> float:
        """Add the time since the last change to every place held; the time now, seconds."""
        now = time.monotonic()
        for endpoint, held in self._in_flight.items():
            self._busy_s[endpoint] = self._busy_s.get(endpoint, 0.0) + held * (now - self._clock_s)
        self._clock_s = now
        return now

    def _arrived(self, now: float) -> None:
        self._recent.append(now)
        while self._recent[0] <= now - 1.0:
            self._recent.popleft()
        self._peak_per_second = max(self._peak_per_second, len(self._recent))

    def counts(self) -> dict[str, Any]:
        """All counters as plain data.

        requests, statuses, truncated_unnoticed: by endpoint or status; faults: by kind.
        rejected: answers 429 because of the limit on requests in flight (injected ones are among the faults).
        busy_slot_seconds: by endpoint, the integral over time of its requests in flight; between two readings its
        growth over that of monotonic_s is the mean number of places busy. peak_per_second: most compute requests that
        arrived within any one second.
        """
        with self._lock:
            now = self._pass_time()
            return {
                "requests": dict(self._requests),
                "statuses": dict(self._statuses),
                "faults": dict(self._faults),
                "truncated_unnoticed": dict(self._unnoticed),
                "rejected": self._rejected,
                "in_flight": self._in_flight.total(),
                "peak_concurrency": self._peak,
                "peak_per_second": self._peak_per_second,
                "busy_slot_seconds": dict(self._busy_s),
                "monotonic_s": now,
            }
