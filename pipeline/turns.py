"""Turns at computing: many threads of a worker wait for answers at once, and a few at a time work on what came."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

AT_ONCE: Final = 2
"""Threads of a process that compute at once: one, and one to go on while it waits for Python's lock. With all of them
at it they took one another's caches and locks, and so did they from whoever had an empty slot to fill."""

_turns: Final = threading.BoundedSemaphore(AT_ONCE)


@contextmanager
def turn() -> Iterator[None]:
    """Wait for a turn and hold it: for milliseconds of computing, never while waiting for anything else."""
    with _turns:
        yield
