"""Counts what the server is asked and what it does about it, for tests and reports."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Traffic:
    """Counters that many threads share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_flight = 0
        self.reset()

    def reset(self) -> None:
        """Start counting anew; requests in flight stay so."""
        with self._lock:
            self._requests: Counter[str] = Counter()
            self._faults: Counter[str] = Counter()
            self._unnoticed: Counter[str] = Counter()
            self._statuses: Counter[str] = Counter()
            self._rejected = 0
            self._peak = self._in_flight

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
    def admitted(self, limit: int) -> Iterator[bool]:
        """Hold one of `limit` places for compute requests in flight; False, and no place held, where none is free."""
        with self._lock:
            room = self._in_flight < limit
            self._in_flight += room
            self._peak = max(self._peak, self._in_flight)
            self._rejected += not room
        try:
            yield room
        finally:
            with self._lock:
                self._in_flight -= room

    def counts(self) -> dict[str, Any]:
        """All counters as plain data."""
        with self._lock:
            return {
                "requests": dict(self._requests),
                "statuses": dict(self._statuses),
                "faults": dict(self._faults),
                "truncated_unnoticed": dict(self._unnoticed),
                "rejected": self._rejected,
                "in_flight": self._in_flight,
                "peak_concurrency": self._peak,
            }
