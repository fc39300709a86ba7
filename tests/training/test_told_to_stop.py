"""A signal waits for the end of a step, and then does what it always did."""

import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from training.told_to_stop import AGAIN_S, SIGNALS, held_back


@pytest.fixture(autouse=True)
def _own_handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    after = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        signal.signal(number, handler)
    assert after == before


def test_ctrl_c_is_held_back_until_it_is_acted_on() -> None:
    with held_back() as request:
        assert not request
        request.act()
        signal.raise_signal(signal.SIGINT)
        assert request
        with pytest.raises(KeyboardInterrupt):
            request.act()
        assert not request


def test_a_request_that_nobody_looked_at_counts_in_the_end() -> None:
    reached = []
    with pytest.raises(KeyboardInterrupt), held_back():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        reached.append(True)
    assert reached


def test_the_handler_that_was_there_is_called() -> None:
    got = []

    def handler(number: int, frame: FrameType | None) -> None:
        got.append(number)

    before = signal.signal(signal.SIGTERM, handler)
    try:
        with held_back() as request:
            signal.raise_signal(signal.SIGTERM)
            assert got == []
            request.act()
            assert got == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_second_signal_ends_at_once_unless_it_is_the_first_ones_echo(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [50.0]
    monkeypatch.setattr("training.told_to_stop.time.monotonic", lambda: now[0])
    with held_back():
        signal.raise_signal(signal.SIGINT)
        now[0] += AGAIN_S / 2
        signal.raise_signal(signal.SIGINT)
        now[0] += AGAIN_S
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_signal_that_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with held_back() as request:
            signal.raise_signal(signal.SIGHUP)
            assert not request
    finally:
        signal.signal(signal.SIGHUP, before)


def test_an_error_leaves_before_the_signal() -> None:
    with pytest.raises(ZeroDivisionError), held_back():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        raise ZeroDivisionError


def test_another_thread_runs_without() -> None:
    seen: list[bool] = []

    def run() -> None:
        with held_back() as request:
            seen.append(bool(request))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [False]
