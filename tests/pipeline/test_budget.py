from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from pipeline.budget import BudgetSettings, month_of, spent_eecu_s

COSTS = BudgetSettings(eecu_hours=1, eecu_s_per_pixel_request=100, eecu_s_per_scene_query=10)


def attempt(time: str, stage: str, kind: str = "ok") -> dict[str, Any]:
    return {"time": time, "event": "attempt", "stage": stage, "kind": kind}


EVENTS = [
    attempt("2026-03-31T23:59:59.999+00:00", "export"),
    attempt("2026-04-01T00:00:00.000+00:00", "export"),
    attempt("2026-04-02T00:00:00.000+00:00", "match"),
    attempt("2026-04-02T00:00:01.000+00:00", "export", "transient"),
    attempt("2026-04-02T00:00:02.000+00:00", "export", "quota"),
    attempt("2026-04-02T00:00:02.000+00:00", "connect"),
    {"time": "2026-04-02T00:00:03.000+00:00", "event": "part", "stage": "export"},
]


def test_a_month_is_that_of_utc() -> None:
    ahead = timezone(timedelta(hours=9))
    assert month_of(datetime(2026, 4, 1, 8, tzinfo=ahead)) == "2026-03"
    assert month_of(datetime(2026, 4, 1, 9, tzinfo=ahead)) == "2026-04"


def test_failed_requests_cost_and_refused_ones_do_not() -> None:
    assert spent_eecu_s(EVENTS, "2026-04", COSTS) == 210
    assert spent_eecu_s(EVENTS, "2026-03", COSTS) == 100
    assert spent_eecu_s(EVENTS, "2026-05", COSTS) == 0


def test_a_calibrated_cost_corrects_the_whole_month() -> None:
    assert spent_eecu_s(EVENTS, "2026-04", COSTS.model_copy(update={"eecu_s_per_pixel_request": 1.0})) == 12


@pytest.mark.parametrize(("day", "left"), [(1, 3390), (35, 3600)])
def test_what_is_left(day: int, left: float) -> None:
    now = datetime(2026, 4, 1, tzinfo=UTC) + timedelta(days=day)
    assert COSTS.left_eecu_s(EVENTS, now) == left
    assert BudgetSettings().left_eecu_s(EVENTS, now) is None
    tight = COSTS.model_copy(update={"eecu_hours": 0.01})
    assert tight.left_eecu_s(EVENTS, datetime(2026, 4, 3, tzinfo=UTC)) == 0
