from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.budget import BudgetSettings
from pipeline.status import RunStatus, StageStatus, StatusReader, read_status

BEGAN = datetime(2026, 4, 1, 12, tzinfo=UTC)


class Log:
    """Writes events ten seconds apart."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def add(self, event: str, **fields: Any) -> None:
        time = BEGAN + timedelta(seconds=10 * len(self.events))
        self.events.append({"time": time.isoformat(timespec="milliseconds"), "event": event, **fields})

    def start(self, digest: str = "d") -> None:
        self.add("start", recipe="nol", digest=digest, until="manifest")

    def part(self, stage: str, part: int, locations: int = 4, kept: int = 4, complete: bool = True) -> None:
        step = {"stage": stage, "entered": locations, "kept": kept, "reasons": [["no DW", locations - kept]],
                "by_season": [["no DW", [locations - kept, 0, 0, 0]]]}  # fmt: skip
        self.add("part", stage=stage, part=part, locations=locations, complete=complete, funnel=step)

    def attempt(self, stage: str, kind: str = "ok", message: str = "") -> None:
        self.add("attempt", stage=stage, location_id="7", attempt=1, kind=kind, message=message,
                 milliseconds=5.0, received_bytes=100)  # fmt: skip

    def status(self, after_s: float = 0) -> RunStatus:
        return read_status(iter(self.events), BEGAN + timedelta(seconds=10 * len(self.events) + after_s))


def stage(status: RunStatus, name: str) -> StageStatus:
    return next(s for s in status.stages if s.stage == name)


def test_a_build_under_way() -> None:
    log = Log()
    log.start()
    for name in ("sample", "seasons"):
        log.add("stage", stage=name, locations=40)
    log.part("sample", 0, 40, 40)
    for part in range(5):
        log.part("seasons", part, kept=3)
    status = log.status()
    assert (status.why_ended, status.ended) == (None, None)
    assert (stage(status, "seasons").done, stage(status, "seasons").total) == (20, 40)
    # 20 locations in the 70 s since the stage began.
    assert stage(status, "seasons").per_s == 20 / 70
    assert stage(status, "seasons").eta_s == 70
    assert status.eta_s == 70
    sample, seasons, *_ = status.funnel
    assert (sample.kept, seasons.entered, seasons.kept, seasons.reasons) == (40, 20, 15, (("no DW", 5),))
    assert seasons.by_season == (("no DW", (5, 0, 0, 0)),)


def test_the_rate_is_of_the_last_minutes_and_an_old_one_is_none() -> None:
    log = Log()
    log.start()
    log.add("stage", stage="seasons", locations=40)
    log.part("seasons", 0)
    assert stage(log.status(after_s=600), "seasons").per_s is None
    assert log.status(after_s=600).eta_s is None


def test_a_resumed_run_counts_nothing_twice() -> None:
    log = Log()
    log.start()
    log.add("stage", stage="seasons", locations=12)
    log.part("seasons", 0, kept=1)
    log.part("seasons", 1, kept=2)
    log.start()
    log.add("stage", stage="seasons", locations=12)
    assert stage(log.status(), "seasons").done == 8  # what was committed stays so while it is looked through again
    log.add("reused", stage="seasons", parts="0-1", locations=8)
    log.part("seasons", 1, kept=4)  # made again, for its file was lost
    log.part("seasons", 2, kept=3)
    log.add("stop", why="finished", message="", seconds=9.0)
    status = log.status()
    assert stage(status, "seasons").done == 12
    assert status.funnel[1].kept == 1 + 4 + 3
    assert status.why_ended == "finished"


def test_another_recipe_starts_from_nothing_but_for_what_it_finds_finished() -> None:
    log = Log()
    log.start("one")
    log.add("stage", stage="seasons", locations=8)
    log.part("seasons", 0, kept=1)
    log.part("seasons", 1, kept=2)
    log.start("two")
    assert log.status().funnel[1].entered == 0
    log.add("stage", stage="seasons", locations=8)
    log.add("reused", stage="seasons", parts="1", locations=4)
    status = log.status()
    assert (stage(status, "seasons").done, status.funnel[1].kept) == (4, 2)


def test_what_is_still_to_be_had_outlives_a_recipe_changed_in_later_stages() -> None:
    log = Log()
    log.start("one")
    log.add("stage", stage="export", locations=4)
    log.add("failure", stage="export", part=0, kind="permanent", message="gone", attempt=1, location_ids=["a"])
    log.part("export", 0, kept=3)
    assert [(o.kind, o.locations) for o in log.status().open_failures] == [("permanent", 1)]
    log.start("two")
    log.add("stage", stage="export", locations=4)
    log.add("reused", stage="export", parts="0", locations=4)
    assert [(o.kind, o.locations) for o in log.status().open_failures] == [("permanent", 1)]


def test_parts_whose_making_nobody_remembers_are_done() -> None:
    log = Log()
    log.start()
    log.add("stage", stage="pack", locations=10)
    log.add("reused", stage="pack", parts="0", locations=10)
    assert stage(log.status(), "pack").done == 10


def test_requests_failures_and_the_month() -> None:
    log = Log()
    log.start()
    for number in range(7):
        log.attempt("export", "transient", f"reset {number}")
    log.attempt("export", "quota", "429")
    log.attempt("export")
    log.attempt("match")
    log.events[1]["time"] = "2026-03-31T23:59:00.000+00:00"
    status = log.status()
    assert (status.requests, status.received_bytes) == (10, 1000)
    assert status.failed_requests == (("transient", 7), ("quota", 1))
    assert [m.message for m in status.messages] == ["reset 3", "reset 4", "reset 5", "reset 6", "429"]
    assert status.requests_this_month == {"export": 7, "match": 1}
    assert status.spent_eecu_s(BudgetSettings(eecu_s_per_pixel_request=10, eecu_s_per_scene_query=1)) == 71


def test_requests_of_the_last_minutes() -> None:
    log = Log()
    log.start()
    for _ in range(40):
        log.attempt("export")
    log.attempt("export", "quota", "429")
    status = log.status()
    # Of the last 300 s, an attempt every 10 s.
    assert status.requests_per_s == 30 / 300
    assert status.failed_lately == (("quota", 1),)
    late = log.status(after_s=400)
    assert (late.requests_per_s, late.failed_lately) == (None, ())


def test_a_status_in_between_disturbs_nothing() -> None:
    log = Log()
    log.start()
    log.add("stage", stage="seasons", locations=40)
    for part in range(5):
        log.part("seasons", part)
    reader = StatusReader()
    now = BEGAN + timedelta(seconds=10 * len(log.events))
    for event in log.events:
        reader.take(event)
        reader.status(now)
    assert reader.status(now) == log.status()


def test_failures_are_open_until_their_part_is_complete() -> None:
    def failing(log: Log, part: int, kind: str, ids: list[str]) -> None:
        fields = {"kind": kind, "message": f"{kind}!", "attempt": 6, "location_ids": ids}
        log.add("failure", stage="export", part=part, **fields)

    log = Log()
    log.start()
    failing(log, 0, "transient", ["a", "b"])
    failing(log, 0, "permanent", ["c"])
    log.part("export", 0, complete=False)
    failing(log, 1, "transient", ["d"])
    log.part("export", 1, complete=False)
    assert {(f.kind, f.locations) for f in log.status().open_failures} == {("transient", 3), ("permanent", 1)}
    log.start()
    failing(log, 0, "permanent", ["c"])
    log.part("export", 0, complete=False)
    log.part("export", 1)
    (left,) = log.status().open_failures
    assert (left.kind, left.locations, left.message) == ("permanent", 1, "permanent!")


def test_a_log_is_read_as_a_stream_and_strange_lines_are_passed_over() -> None:
    def events() -> Iterator[dict[str, Any]]:
        yield {"event": "novelty", "time": "2026-04-01T12:00:00.000+00:00"}
        yield {"no": "event"}

    status = read_status(events(), BEGAN)
    assert (status.started, status.stages, status.requests) == (None, (), 0)
    assert status.funnel[0].entered == 0
