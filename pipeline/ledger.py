"""What happened, request by request and part by part: events.jsonl, and progress for whoever watches."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from pipeline.budget import BudgetSettings
from pipeline.event_log import EventLog
from pipeline.files import is_storage_error
from pipeline.funnel_step import FunnelStep
from pipeline.part_numbers import as_ranges
from pipeline.schema.errors import DamagedError, FailureKind, NoldoError
from pipeline.schema.paths import AnyPath
from pipeline.schema.records import Attempt, Failure
from pipeline.sources.pace import OK, BudgetSpentError

REUSED_EVERY_S: Final = 2.0
"""Parts found finished are told together, at most this often, or a resumed run would write a line for each."""


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
    failures: tuple[Failure, ...] = field(default=(), kw_only=True)
    """Locations that are still to be had; empty where the part is complete."""
    step: FunnelStep | None = field(default=None, kw_only=True)
    """What a filter did with the part, where it was made."""


@dataclass(frozen=True)
class StageProgress:
    """How far a stage is."""

    stage: str
    done: int
    """Locations."""
    total: int
    """Locations."""
    reused: int = 0
    """Of those done, the locations that an earlier run had done."""


@dataclass(frozen=True)
class StageTally:
    """What a stage did in this run."""

    parts_made: int = 0
    parts_reused: int = 0
    requests: int = 0
    retried: int = 0
    received_bytes: int = 0


class Ledger:
    """Appends every event to the log and keeps the tallies of this run; any thread may call it."""

    def __init__(
        self, path: AnyPath, on_progress: Callable[[StageProgress], None], budget: BudgetSettings | None = None
    ) -> None:
        """`budget` holds the costs that are assumed for the requests."""
        self._log = EventLog(path)
        self._on_progress = on_progress
        self._budget = budget or BudgetSettings()
        self._lock = threading.RLock()
        self._total: Counter[str] = Counter()
        self._done: Counter[str] = Counter()
        self._found: Counter[str] = Counter()
        self._reused: defaultdict[str, list[Outcome]] = defaultdict(list)
        self._reused_told = -REUSED_EVERY_S
        self.tallies: dict[str, StageTally] = {}
        self.failures: list[Failure] = []

    @contextmanager
    def run(self, **about: Any) -> Iterator[None]:
        """Write down that a run begins, with what is to be known `about` it, and at last why it ended."""
        started = time.monotonic()
        self._write([{"event": "start", **about}])
        why, message = "failed", ""
        try:
            yield
            why = "finished"
        except BaseException as error:
            why, message = self._why(error), str(error)
            raise
        finally:
            self._end(why, message, round(time.monotonic() - started, 1))

    def _end(self, why: str, message: str, seconds: float) -> None:
        """Write the last line. What ended the run, a full disk perhaps, is worth more to the user than that line."""
        try:
            self._tell_reused()
            self._write([{"event": "stop", "why": why, "message": message, "seconds": seconds}])
            self._log.close()
        except Exception as error:
            if not isinstance(error, (OSError, NoldoError)) and not is_storage_error(error):
                raise

    def begin(self, stage: str, locations: int) -> None:
        """Announce a stage and how many locations it will deal with; what it did before in this run is done anew."""
        with self._lock:
            self._total[stage], self._done[stage], self._found[stage] = locations, 0, 0
            self.failures = [failure for failure in self.failures if failure.stage != stage]
            self.tallies.setdefault(stage, StageTally())
            self._write([{"event": "stage", "stage": stage, "locations": locations}])
        self._on_progress(StageProgress(stage, 0, locations))

    def found_more(self, stage: str, locations: int) -> None:
        """Raise the number of locations that a stage deals with, where not all were known when it began."""
        with self._lock:
            self._total[stage] += locations
            self._write([{"event": "stage", "stage": stage, "locations": self._total[stage]}])

    def mended(self, damage: DamagedError) -> None:
        """Write down that a damaged file was removed, to be made again."""
        self._write([{"event": "mended", "path": str(damage.path), "message": str(damage)}])

    def record_attempt(self, attempt: Attempt) -> None:
        """Write down one request as it ended."""
        with self._lock:
            tally = self.tallies.get(attempt.stage, StageTally())
            self.tallies[attempt.stage] = replace(
                tally,
                requests=tally.requests + 1,
                retried=tally.retried + (attempt.kind != OK),
                received_bytes=tally.received_bytes + attempt.received_bytes,
            )
            line = {**asdict(attempt), "milliseconds": round(attempt.milliseconds, 1)}
            self._write([{"event": "attempt", **line, "eecu_s": self._budget.cost_s(attempt.stage)}])

    def record(self, outcome: Outcome) -> None:
        """Write down an outcome and report the progress."""
        with self._lock:
            tally = self.tallies.get(outcome.stage, StageTally())
            made, reused = tally.parts_made + outcome.made, tally.parts_reused + (not outcome.made)
            self.tallies[outcome.stage] = replace(tally, parts_made=made, parts_reused=reused)
            self.failures.extend(outcome.failures)
            if outcome.made:
                self._write([*_failure_events(outcome), _part_event(outcome)])
            elif outcome.inputs:
                self._reused[outcome.stage].append(outcome)
            if time.monotonic() - self._reused_told >= REUSED_EVERY_S:
                self._tell_reused()
            self._done[outcome.stage] += outcome.locations
            self._found[outcome.stage] += 0 if outcome.made else outcome.locations
            progress = self._progress(outcome.stage)
        self._on_progress(progress)

    def _progress(self, stage: str) -> StageProgress:
        return StageProgress(stage, self._done[stage], self._total[stage], self._found[stage])

    @property
    def parts_made(self) -> int:
        """Parts and shards made in this run, all stages together; 0 where everything was there already."""
        return sum(tally.parts_made for tally in self.tallies.values())

    def _tell_reused(self) -> None:
        with self._lock:
            told = [
                {
                    "event": "reused",
                    "stage": stage,
                    "parts": as_ranges(outcome.part for outcome in found),
                    "locations": sum(outcome.locations for outcome in found),
                }
                for stage, found in self._reused.items()
            ]
            self._reused.clear()
            self._reused_told = time.monotonic()
            self._write(told)

    def _why(self, error: BaseException) -> str:
        if isinstance(error, KeyboardInterrupt):
            return "stopped"
        if isinstance(error, BudgetSpentError):
            return "budget"
        again = any(failure.kind is not FailureKind.PERMANENT for failure in self.failures)
        return "paused" if isinstance(error, NoldoError) and again else "failed"

    def _write(self, events: list[dict[str, Any]]) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._lock:
            self._log.append([{"time": now, **event} for event in events])


def _failure_events(outcome: Outcome) -> list[dict[str, Any]]:
    """One event for all locations of a part that failed alike: a lost connection fails them by the thousand."""
    alike: defaultdict[tuple[str, str, str, int], list[str]] = defaultdict(list)
    for failure in outcome.failures:
        alike[failure.stage, failure.kind, failure.message, failure.attempt].append(failure.location_id)
    return [
        {
            "event": "failure",
            "stage": stage,
            "part": outcome.part,
            "kind": kind,
            "message": message,
            "attempt": attempt,
            "location_ids": location_ids,
        }
        for (stage, kind, message, attempt), location_ids in alike.items()
    ]


def _part_event(outcome: Outcome) -> dict[str, Any]:
    return {
        "event": "part",
        "stage": outcome.stage,
        "part": outcome.part,
        "locations": outcome.locations,
        "complete": not outcome.failures,
        **({} if outcome.step is None else {"funnel": asdict(outcome.step)}),
    }
