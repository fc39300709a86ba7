import threading

import pytest

from pipeline.emulator import traffic as traffic_module
from pipeline.emulator.traffic import Traffic


class Clock:
    """A clock that stands still until it is set."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


def test_places_are_given_up_to_the_limit_and_the_refused_hold_none() -> None:
    traffic = Traffic()
    with traffic.admitted(2, "p") as one, traffic.admitted(2, "p") as two, traffic.admitted(2, "p") as three:
        assert (one, two, three) == (True, True, False)
        assert traffic.counts()["in_flight"] == 2
    counts = traffic.counts()
    assert (counts["in_flight"], counts["peak_concurrency"], counts["rejected"]) == (0, 2, 1)


def test_a_place_is_free_again_while_a_refused_request_is_still_being_answered() -> None:
    traffic = Traffic()
    first = traffic.admitted(1, "p")
    assert first.__enter__()
    with traffic.admitted(1, "p") as refused:
        first.__exit__(None, None, None)
        with traffic.admitted(1, "p") as next_one:
            assert (refused, next_one) == (False, True)
    assert traffic.counts()["in_flight"] == 0


def test_a_reset_keeps_what_is_in_flight() -> None:
    traffic = Traffic()
    traffic.count("value:compute")
    traffic.count_unnoticed("value:compute")
    with traffic.admitted(9, "value:compute"):
        traffic.reset()
        counts = traffic.counts()
        assert counts.pop("monotonic_s") > 0
        assert 0 <= counts.pop("busy_slot_seconds")["value:compute"] < 60
        assert counts == {
            "requests": {}, "statuses": {}, "faults": {}, "truncated_unnoticed": {},
            "rejected": 0, "in_flight": 1, "peak_concurrency": 1, "peak_per_second": 0,
        }  # fmt: skip


def test_busy_time_is_the_integral_of_requests_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(traffic_module, "time", clock)
    traffic = Traffic()
    clock.now = 10.0
    with traffic.admitted(3, "pixels"):
        clock.now = 11.0
        with traffic.admitted(3, "pixels"), traffic.admitted(3, "match"), traffic.admitted(3, "match") as refused:
            assert not refused
            clock.now = 15.0
            assert traffic.counts()["busy_slot_seconds"] == {"pixels": 9.0, "match": 4.0}
        clock.now = 16.5
        counts = traffic.counts()
    assert counts["busy_slot_seconds"] == {"pixels": 10.5, "match": 4.0}
    assert counts["monotonic_s"] == 16.5
    clock.now = 100.0
    assert traffic.counts()["busy_slot_seconds"] == {"pixels": 10.5, "match": 4.0}, "idle time counts for nobody"
    assert counts["rejected"] == 1


def test_a_reset_in_the_middle_of_a_request_counts_the_rest_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(traffic_module, "time", clock)
    traffic = Traffic()
    with traffic.admitted(3, "pixels"):
        clock.now = 5.0
        traffic.reset()
        clock.now = 7.0
    assert traffic.counts()["busy_slot_seconds"] == {"pixels": 2.0}


def test_the_busiest_second_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(traffic_module, "time", clock)
    traffic = Traffic()
    for clock.now in (0.0, 0.4, 0.8, 1.1, 1.2, 5.0):
        with traffic.admitted(9, "pixels"):
            continue
    assert traffic.counts()["peak_per_second"] == 4, "0.4 to 1.2"


def test_counts_hold_under_many_threads() -> None:
    traffic = Traffic()

    def work() -> None:
        for _ in range(500):
            with traffic.admitted(100, "x"):
                traffic.count("x")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = traffic.counts()
    assert counts["requests"] == {"x": 4000}
    assert counts["in_flight"] == 0
    assert 1 <= counts["peak_concurrency"] <= 8
