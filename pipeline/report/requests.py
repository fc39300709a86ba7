"""The requests of a build, summed up a stage at a time from events.jsonl."""

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class StageRequests:
    """What one stage asked of the source, over all runs of the build."""

    stage: str
    requests: int
    failed: tuple[tuple[str, int], ...]
    """(kind of failure, attempts that ended so), by name."""
    received_bytes: int
    median_ms: float


def stage_requests(events: Path) -> tuple[StageRequests, ...]:
    """Sum up the attempts in an event log; lines of other kinds, and a half-written last line, are passed over."""
    if not events.is_file():
        return ()
    attempts = defaultdict(list)
    with events.open() as lines:
        for line in lines:
            event = _parsed(line)
            if {"stage", "kind", "milliseconds", "received_bytes"} <= event.keys():
                attempts[str(event["stage"])].append(event)
    return tuple(_summed(stage, found) for stage, found in attempts.items())


def _parsed(line: str) -> dict[str, object]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _summed(stage: str, attempts: list[dict[str, object]]) -> StageRequests:
    kinds = [str(a["kind"]) for a in attempts if a["kind"] != "ok"]
    return StageRequests(
        stage=stage,
        requests=len(attempts),
        failed=tuple((kind, kinds.count(kind)) for kind in sorted(set(kinds))),
        received_bytes=sum(int(str(a["received_bytes"])) for a in attempts),
        median_ms=median(float(str(a["milliseconds"])) for a in attempts),
    )
