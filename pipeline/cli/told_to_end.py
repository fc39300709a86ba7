"""Signals that tell a command to end: as Ctrl-C does, with what it started ended and what it finished kept."""

import signal
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)
"""From `timeout`, `kill` and batch systems that take a node back; from a terminal that goes away."""

SIGNAL_STATUS: Final = 128
"""A command that a signal ended has this exit status plus the signal's number (Bash manual, 'Exit Status')."""


class ToldToEnd(KeyboardInterrupt):
    """Ctrl-C by other means: whatever ends well on that ends well on these signals."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"ended by {signal.Signals(number).name}")

    @property
    def exit_status(self) -> int:
        """Of the command."""
        return SIGNAL_STATUS + self.number


def end_as_by_ctrl_c() -> None:
    """Raise ToldToEnd in the main thread for SIGNALS that nobody has told us to ignore, as nohup does.

    The first one counts. What ends the children may take seconds and must not be cut short by another: `timeout`
    sends two.
    """
    for number in SIGNALS:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, _: FrameType | None) -> None:
    for every in SIGNALS:
        if signal.getsignal(every) == _end:
            signal.signal(every, _go_on)  # not SIG_IGN, which processes that are still being started would inherit
    raise ToldToEnd(number)


def _go_on(_: int, __: FrameType | None) -> None:
    """It is ending already."""
