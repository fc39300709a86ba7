import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.budget import BudgetSettings
from pipeline.funnel_step import FunnelStep
from pipeline.ledger import Ledger, Outcome, StageProgress, StageTally
from pipeline.schema.errors import FailureKind, NoldoError
from pipeline.schema.records import Attempt, Failure
from pipeline.sources.pace import BudgetSpentError

OK = Attempt("export", "a", 1, "ok", "", 12.5, 1000)
BAD = Attempt("export", "a", 1, "transient", "reset", 3.0, 0)
QUOTA = FailureKind.QUOTA


def failed(location_id: str, kind: FailureKind = QUOTA, message: str = "too many") -> Failure:
    return Failure(location_id, "export", 5, kind, message)


def events_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_attempts_are_on_disk_as_they_end(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    ledger = Ledger(path, lambda _: None, BudgetSettings(eecu_s_per_pixel_request=7))
    for number, attempt in enumerate((BAD, OK), start=1):
        ledger.record_attempt(attempt)
        assert len(events_of(path)) == number
    first = events_of(path)[0]
    assert {k: first[k] for k in ("event", "stage", "location_id", "attempt", "kind", "message")} == {
        "event": "attempt", "stage": "export", "location_id": "a", "attempt": 1, "kind": "transient",
        "message": "reset",
    }  # fmt: skip
    assert (first["milliseconds"], first["received_bytes"], first["eecu_s"]) == (3.0, 0, 7.0)
    assert ledger.tallies["export"] == StageTally(requests=2, retried=1, received_bytes=1000)


def test_outcomes_progress_and_tallies(tmp_path: Path) -> None:
    seen: list[StageProgress] = []
    ledger = Ledger(tmp_path / "events.jsonl", seen.append)
    ledger.begin("export", 5)
    step = FunnelStep("export", 2, 2, ())
    ledger.record(Outcome("export", 0, "x", 2, True, step=step))
    alike = (failed("b"), failed("c"), failed("d", FailureKind.PERMANENT, "gone"))
    ledger.record(Outcome("export", 1, "y", 3, True, failures=alike))
    assert [(p.done, p.total) for p in seen] == [(0, 5), (2, 5), (5, 5)]
    assert ledger.tallies["export"].parts_made == 2
    assert ledger.failures == list(alike)
    events = events_of(tmp_path / "events.jsonl")
    assert [e["event"] for e in events] == ["stage", "part", "failure", "failure", "part"]
    assert [e["location_ids"] for e in events if e["event"] == "failure"] == [["b", "c"], ["d"]]
    parts = [e for e in events if e["event"] == "part"]
    assert [e["complete"] for e in parts] == [True, False]
    assert parts[0]["funnel"]["kept"] == 2


def test_a_stage_that_begins_again_counts_from_nothing(tmp_path: Path) -> None:
    seen: list[StageProgress] = []
    ledger = Ledger(tmp_path / "events.jsonl", seen.append)
    for _ in range(2):
        ledger.begin("match", 4)
        ledger.record(Outcome("match", 0, "x", 4, made=True))
    assert [p.done for p in seen] == [0, 4, 0, 4]


def test_a_thousand_finished_parts_are_few_lines(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "events.jsonl", lambda _: None)
    with ledger.run(recipe="nol", digest="d", until="manifest"):
        for part in range(1000):
            ledger.record(Outcome("match", part, "x", 2, made=False))
    assert ledger.parts_made == 0
    assert ledger.tallies["match"].parts_reused == 1000
    reused = [e for e in events_of(tmp_path / "events.jsonl") if e["event"] == "reused"]
    assert sum(e["locations"] for e in reused) == 2000
    assert reused[-1]["parts"].endswith("-999")
    assert len(reused) <= 5


@pytest.mark.parametrize(
    ("error", "failures", "why"),
    [
        (None, (), "finished"),
        (KeyboardInterrupt(), (), "stopped"),
        (BudgetSpentError("spent"), (failed("b"),), "budget"),
        (NoldoError("1 location could not be had"), (failed("b"),), "paused"),
        (NoldoError("1 location could not be had"), (failed("b", FailureKind.PERMANENT),), "failed"),
        (NoldoError("disk full"), (), "failed"),
        (RuntimeError("defect"), (), "failed"),
    ],
)
def test_why_a_run_ended(tmp_path: Path, error: BaseException | None, failures: tuple[Failure, ...], why: str) -> None:
    ledger = Ledger(tmp_path / "events.jsonl", lambda _: None)

    def run() -> None:
        with ledger.run(recipe="nol", digest="d", until="manifest"):
            ledger.record(Outcome("export", 0, "x", 2, True, failures=failures))
            if error is not None:
                raise error

    if error is None:
        run()
    else:
        with pytest.raises(type(error)):
            run()
    first, *_, last = events_of(tmp_path / "events.jsonl")
    assert (first["event"], first["digest"]) == ("start", "d")
    assert (last["event"], last["why"], last["message"]) == ("stop", why, "" if error is None else str(error))


def test_runs_append_and_a_killed_line_harms_none(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    Ledger(path, lambda _: None).record_attempt(OK)
    with path.open("a") as file:
        file.write('{"time": "2026-04-')
    Ledger(path, lambda _: None).record_attempt(OK)
    whole = [line for line in path.read_text().splitlines() if line.endswith("}")]
    assert [json.loads(line)["kind"] for line in whole] == ["ok", "ok"]


def test_failures_of_a_round_that_is_run_again_are_forgotten(tmp_path: Path) -> None:
    seen: list[StageProgress] = []
    ledger = Ledger(tmp_path / "events.jsonl", seen.append)
    ledger.begin("export", 4)
    ledger.record(Outcome("export", 0, "x", 4, made=True, failures=(failed("a"),)))
    ledger.begin("export", 4)
    assert ledger.failures == []
    ledger.record(Outcome("export", 0, "x", 4, made=False))
    assert (seen[-1].done, seen[-1].reused) == (4, 4)
