import copy
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.schema.errors import FailureKind, SourceError
from pipeline.sources.pace import BudgetSpentError, LocalPace, OwnLink, PaceSettings


def test_many_threads_share_the_places() -> None:
    pace = LocalPace(PaceSettings(concurrent=3, per_second=1000))
    lock, under_way, peak = threading.Lock(), 0, 0

    def one(_: int) -> None:
        nonlocal under_way, peak
        with pace.slot(0.0) as slot:
            with lock:
                under_way += 1
                peak = max(peak, under_way)
            time.sleep(0.002)
            with lock:
                under_way -= 1
            slot.ended("ok")

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(one, range(60)))
    assert peak == 3


def test_the_rate_holds_though_places_are_free() -> None:
    pace = LocalPace(PaceSettings(concurrent=40, per_second=5))
    begun: list[float] = []
    for _ in range(7):
        with pace.slot(0.0):
            begun.append(time.monotonic())
    assert all(later - first >= 0.99 for first, later in zip(begun, begun[5:], strict=False))


def test_a_slot_comes_back_whatever_happens_in_it() -> None:
    pace = LocalPace(PaceSettings(concurrent=1))
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), pace.slot(0.0):
            raise ZeroDivisionError
    with pace.slot(0.0) as slot:
        slot.ended("ok")


def test_a_spent_budget_is_a_quota_that_waiting_does_not_bring_back() -> None:
    pace = LocalPace(budget_eecu_s=10.0)
    with pace.slot(10.0) as slot:
        slot.ended("ok")
    with pytest.raises(BudgetSpentError) as caught, pace.slot(1.0):
        pass
    assert isinstance(caught.value, SourceError)
    assert caught.value.kind is FailureKind.QUOTA
    with pace.slot(0.0) as slot:
        slot.ended("ok")


def test_errors_and_links_travel() -> None:
    error = copy.copy(BudgetSpentError())
    assert isinstance(error, BudgetSpentError)
    assert "budget" in str(error)
    link = OwnLink().bind()
    with link.pace.slot(0.0):
        pass
