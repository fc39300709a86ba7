import json
from pathlib import Path

from pipeline.ledger import Ledger, Outcome, StageProgress, StageTally
from pipeline.schema.errors import FailureKind
from pipeline.schema.records import Attempt, Failure

OK = Attempt("export", "a", 1, "ok", "", 12.5, 1000)
BAD = Attempt("export", "a", 1, "transient", "reset", 3.0, 0)
FAILED = Failure("b", "export", 5, FailureKind.QUOTA, "too many")


def test_events_progress_and_tallies(tmp_path: Path) -> None:
    seen: list[StageProgress] = []
    ledger = Ledger(tmp_path / "events.jsonl", seen.append)
    ledger.begin("export", 5)
    ledger.record(Outcome("export", 0, "x", 2, True, (BAD, OK)))
    ledger.record(Outcome("export", 1, "y", 3, True, (OK,), (FAILED,)))
    assert [(p.done, p.total) for p in seen] == [(0, 5), (2, 5), (5, 5)]
    assert ledger.tallies["export"] == StageTally(
        parts_made=2, parts_reused=0, requests=3, retried=1, received_bytes=2000
    )
    assert ledger.failures == [FAILED]
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [e["event"] for e in events] == ["attempt", "attempt", "part", "attempt", "failure", "part"]
    assert events[4]["kind"] == "quota"
    assert [e["complete"] for e in events if e["event"] == "part"] == [True, False]


def test_reused_parts_leave_no_event(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "events.jsonl", lambda _: None)
    ledger.record(Outcome("match", 0, "x", 2, made=False))
    assert ledger.parts_made == 0
    assert ledger.tallies["match"].parts_reused == 1
    assert not (tmp_path / "events.jsonl").exists()


def test_events_are_appended_over_runs(tmp_path: Path) -> None:
    for _ in range(2):
        Ledger(tmp_path / "events.jsonl", lambda _: None).record(Outcome("match", 0, "x", 2, made=True))
    assert len((tmp_path / "events.jsonl").read_text().splitlines()) == 2
