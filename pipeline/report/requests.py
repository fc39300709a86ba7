"""The requests of a build, summed up a stage at a time from its event log."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from pipeline.event_log import read_events
from pipeline.schema.paths import AnyPath


@dataclass(frozen=True)
class StageRequests:
    """What one stage asked of the source, over all runs of the build."""

    stage: str
    requests: int
    failed: tuple[tuple[str, int], ...]
    """(kind of failure, attempts that ended so), by name."""
    received_bytes: int
    median_ms: float


def stage_requests(events: AnyPath) -> tuple[StageRequests, ...]:
    """Sum up the attempts in an event log; events of other kinds are passed over."""
    attempts = defaultdict(list)
    for event in read_events(events):
        if {"stage", "kind", "milliseconds", "received_bytes"} <= event.keys():
            attempts[str(event["stage"])].append(event)
    return tuple(_summed(stage, found) for stage, found in attempts.items())


def _summed(stage: str, attempts: Sequence[Mapping[str, Any]]) -> StageRequests:
    kinds = [str(a["kind"]) for a in attempts if a["kind"] != "ok"]
    return StageRequests(
        stage=stage,
        requests=len(attempts),
        failed=tuple((kind, kinds.count(kind)) for kind in sorted(set(kinds))),
        received_bytes=sum(int(str(a["received_bytes"])) for a in attempts),
        median_ms=median(float(str(a["milliseconds"])) for a in attempts),
    )
