"""Ctrl-C and its like, held back until a step has ended and its state is saved."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C; `timeout`, `kill` and batch systems that take a node back; a terminal that goes away."""

AGAIN_S: Final = 2.0
"""A signal this long after the first one ends the run at once. torchrun and `timeout` send theirs twice within less."""


class StopRequest:
    """Whether the run was told to stop."""

    def __init__(self) -> None:
        self._number: int | None = None
        self._at = 0.0
        self._before: dict[int, Any] = {}

    def __bool__(self) -> bool:
        """True once it was."""
        return self._number is not None

    def act(self) -> None:
        """End as the signal would have ended the run without us; nothing where there was none."""
        if self._number is None:
            return
        number, self._number = self._number, None
        self._give_back()
        signal.raise_signal(number)

    def _take(self) -> None:
        for number in SIGNALS:
            before = signal.getsignal(number)
            if before not in (signal.SIG_IGN, None):  # nohup's wish counts; None was set by foreign code
                self._before[number] = before
                signal.signal(number, self._hold)

    def _give_back(self) -> None:
        while self._before:
            signal.signal(*self._before.popitem())

    def _hold(self, number: int, _: FrameType | None) -> None:
        now = time.monotonic()
        if self._number is None:
            self._number, self._at = number, now
        elif now - self._at >= AGAIN_S:
            self.act()


@contextmanager
def held_back() -> Iterator[StopRequest]:
    """Hold signals back within; whoever runs there looks at the request, saves, and calls act().

    A request that nobody acted on is acted on in the end, unless an error leaves first. Only the main thread gets
    signals: in another thread nothing is held back.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    request._take()
    try:
        yield request
    finally:
        request._give_back()
    request.act()
