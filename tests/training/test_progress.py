"""The epoch's clock, on a clock that tests can set."""

from collections.abc import Iterator

import pytest

from training.progress import EpochClock


def test_waiting_and_working_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("training.progress.time.perf_counter", lambda: now[0])

    def items() -> Iterator[int]:
        for i in range(3):
            now[0] += 1.0
            yield i

    clock = EpochClock()
    for _ in clock.waits(items()):
        now[0] += 3.0
    assert clock.seconds == pytest.approx(12.0)
    assert clock.waited == pytest.approx(3.0)
    assert clock.wait_share == pytest.approx(0.25)


def test_an_epoch_that_goes_on_keeps_the_time_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("training.progress.time.perf_counter", lambda: now[0])
    clock = EpochClock(seconds=30.0, waited=6.0)
    now[0] += 50.0
    assert clock.seconds == pytest.approx(30.0)
    assert list(clock.waits([])) == []
    now[0] += 10.0
    assert clock.seconds == pytest.approx(40.0)
    assert clock.wait_share == pytest.approx(0.15)
