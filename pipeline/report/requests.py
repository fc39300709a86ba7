"""The requests of a build, summed up a stage at a time from its event log."""

from array import array
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from statistics import median

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


@dataclass
class _Sum:
    """The attempts of one stage so far; no attempt itself is kept, for a whole data set has a hundred thousand."""

    kinds: Counter[str] = field(default_factory=Counter)
    received_bytes: int = 0
    milliseconds: "array[float]" = field(default_factory=lambda: array("d"))


def stage_requests(events: AnyPath) -> tuple[StageRequests, ...]:
    """Sum up the attempts in an event log; events of other kinds are passed over."""
    sums: defaultdict[str, _Sum] = defaultdict(_Sum)
    for event in read_events(events):
        if {"stage", "kind", "milliseconds", "received_bytes"} <= event.keys():
            stage = sums[str(event["stage"])]
            stage.kinds[str(event["kind"])] += 1
            stage.received_bytes += int(event["received_bytes"])
            stage.milliseconds.append(float(event["milliseconds"]))
    return tuple(
        StageRequests(
            stage=stage,
            requests=found.kinds.total(),
            failed=tuple(sorted((kind, count) for kind, count in found.kinds.items() if kind != "ok")),
            received_bytes=found.received_bytes,
            median_ms=median(found.milliseconds),
        )
        for stage, found in sums.items()
    )
