"""What happened, request by request and part by part: events.jsonl, and progress for whoever watches."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.schema.records import Attempt, Failure


@dataclass(frozen=True)
class Outcome:
    """What became of one part (or shard) in one stage."""

    stage: str
    part: int
    inputs: str
    """Digest of everything the part was made from."""
    locations: int
    """Locations that the stage dealt with."""
    made: bool
    """False where a committed part with the same inputs was there already."""
    attempts: tuple[Attempt, ...] = ()
    """Requests to the source, in the order they ended."""
    failures: tuple[Failure, ...] = ()
    """Locations that are still to be had; empty where the part is complete."""


@dataclass(frozen=True)
class StageProgress:
    """How far a stage is."""

    stage: str
    done: int
    """Locations."""
    total: int
    """Locations."""


@dataclass(frozen=True)
class StageTally:
    """What a stage did in this run."""

    parts_made: int = 0
    parts_reused: int = 0
    requests: int = 0
    retried: int = 0
    received_bytes: int = 0


class Ledger:
    """Appends every event to a JSON-lines file and keeps the tallies of this run."""

    def __init__(self, path: Path, on_progress: Callable[[StageProgress], None]) -> None:
        self._path = path
        self._on_progress = on_progress
        self._total: Counter[str] = Counter()
        self._done: Counter[str] = Counter()
        self.tallies: dict[str, StageTally] = {}
        self.failures: list[Failure] = []

    def begin(self, stage: str, locations: int) -> None:
        """Announce a stage and how many locations it will deal with."""
        self._total[stage] = locations
        self.tallies.setdefault(stage, StageTally())
        self._on_progress(StageProgress(stage, self._done[stage], locations))

    def record(self, outcome: Outcome) -> None:
        """Write down an outcome and report the progress."""
        tally = self.tallies.setdefault(outcome.stage, StageTally())
        self.tallies[outcome.stage] = StageTally(
            parts_made=tally.parts_made + outcome.made,
            parts_reused=tally.parts_reused + (not outcome.made),
            requests=tally.requests + len(outcome.attempts),
            retried=tally.retried + sum(a.kind != "ok" for a in outcome.attempts),
            received_bytes=tally.received_bytes + sum(a.received_bytes for a in outcome.attempts),
        )
        self.failures.extend(outcome.failures)
        self._append(outcome)
        self._done[outcome.stage] += outcome.locations
        self._on_progress(StageProgress(outcome.stage, self._done[outcome.stage], self._total[outcome.stage]))

    @property
    def parts_made(self) -> int:
        """Parts and shards made in this run, all stages together; 0 where everything was there already."""
        return sum(tally.parts_made for tally in self.tallies.values())

    def _append(self, outcome: Outcome) -> None:
        if not outcome.made and not outcome.attempts:
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        lines = [{"time": now, "event": "attempt", "part": outcome.part, **asdict(a)} for a in outcome.attempts]
        lines += [{"time": now, "event": "failure", "part": outcome.part, **asdict(f)} for f in outcome.failures]
        part = {"stage": outcome.stage, "part": outcome.part, "locations": outcome.locations}
        lines.append({"time": now, "event": "part", **part, "complete": not outcome.failures})
        with self._path.open("a") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
