"""How a run stands, from its event log alone: read as a stream, while a build runs or afterwards."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from pipeline.budget import BudgetSettings, counts, month_of
from pipeline.funnel_step import FunnelStep, joined, sample_step, step_from
from pipeline.part_numbers import from_ranges
from pipeline.schema.errors import FailureKind

_Timed = TypeVar("_Timed", bound=tuple[float, Any])

OK: Final = "ok"
"""Kind of a request that succeeded, as pipeline/sources/pace.py has it; importing that would load pyproj."""

TRAINING: Final = "pretrain"
"""The stage that counts epochs, and writes no events."""

RATE_WINDOW_S: Final = 300.0
"""Over how long a rate is taken, seconds."""

LAST_MESSAGES: Final = 5

FILTERS: Final = ("seasons", "export", "quality")

TILE_FILTERS: Final = ("tiles", "pair", "fetch", "labels", "agreement", "split")
"""Of the downstream sets."""


@dataclass(frozen=True)
class StageStatus:
    """How far one stage is, in locations."""

    stage: str
    done: int
    total: int
    per_s: float | None
    """Locations a second over the last minutes of the run; None where none ended in them."""

    @property
    def eta_s(self) -> float | None:
        """Seconds to its end at that rate; 0 where it is done, None where nobody can tell."""
        if self.done >= self.total:
            return 0.0
        return None if not self.per_s else (self.total - self.done) / self.per_s


@dataclass(frozen=True)
class Message:
    """A failed request."""

    time: str
    stage: str
    location_id: str
    kind: str
    message: str


@dataclass(frozen=True)
class OpenFailures:
    """Locations that a stage could not have, and that no later run has had either."""

    stage: str
    kind: str
    locations: int
    message: str
    """The latest."""


@dataclass(frozen=True)
class RunStatus:
    """Everything that `noldo status` tells."""

    started: str | None
    """When the last run began, UTC; None where none has."""
    ended: str | None
    why_ended: str | None
    """finished, stopped, paused, budget or failed; None while a run goes on, or where it was killed."""
    last_word: str
    """What the last run said as it ended."""
    last_event: str | None
    """When anything was written down last."""
    stages: tuple[StageStatus, ...]
    funnel: tuple[FunnelStep, ...]
    requests: int
    failed_requests: tuple[tuple[str, int], ...]
    """(kind, attempts that ended so), the commonest first; all but the permanent ones were tried again."""
    received_bytes: int
    messages: tuple[Message, ...]
    open_failures: tuple[OpenFailures, ...]
    requests_this_month: Mapping[str, int]
    """By stage, those that are taken to have cost something."""
    requests_per_s: float | None = None
    """Over the last minutes of the run; None where none ended in them."""
    failed_lately: tuple[tuple[str, int], ...] = ()
    """As `failed_requests`, over the last minutes of the run."""

    @property
    def eta_s(self) -> float | None:
        """Seconds until every stage that has begun is done: they run side by side, so the slowest decides."""
        etas = [stage.eta_s for stage in self.stages]
        known = [eta for eta in etas if eta is not None]
        return max(known) if known and len(known) == len(etas) else None

    def spent_eecu_s(self, budget: BudgetSettings) -> float:
        """This month's compute by the recipe's assumptions, EECU-seconds."""
        return sum(budget.cost_s(stage) * number for stage, number in self.requests_this_month.items())


@dataclass
class _Run:
    """What is known of the last run."""

    started: str
    ended: str | None = None
    why: str | None = None
    message: str = ""
    begun: dict[str, float] = field(default_factory=dict)
    """When each stage began; in a run that finds nothing to do none does."""
    recent: dict[str, deque[tuple[float, int]]] = field(default_factory=lambda: defaultdict(deque))
    """By stage, (time, locations) of the parts that ended lately."""
    attempts: deque[tuple[float, str]] = field(default_factory=deque)
    """(time, kind) of the requests that ended lately."""


@dataclass(frozen=True)
class _Part:
    """What an event told of a part; of those found finished without one, how many locations."""

    locations: int
    step: FunnelStep | None = None


class StatusReader:
    """Takes events one by one, oldest first, and tells at any moment how the run stands.

    Taking an event costs the same however long the log is; what is kept grows with the parts.
    """

    def __init__(self) -> None:
        self.run: _Run | None = None
        self.last_event: str | None = None
        self.totals: dict[str, int] = {}
        self.parts: dict[str, dict[int, _Part]] = defaultdict(dict)
        """What the latest event told of every part that stands, by stage: one found finished is as it was made."""
        self._ever: dict[tuple[str, int], _Part] = {}
        self._digest: str | None = None
        self.requests = self.received_bytes = 0
        self.failed: Counter[str] = Counter()
        self.messages: deque[Message] = deque(maxlen=LAST_MESSAGES)
        self.monthly: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """By month ('2026-04', UTC) and stage, requests that are taken to have cost something."""
        self._failing: dict[tuple[str, int], list[Mapping[str, Any]]] = defaultdict(list)
        self.open: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
        self._ever_open: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
        """What was still to be had of a part when it was made last."""
        self._take = {
            "attempt": self._attempt, "part": self._part, "reused": self._reused, "failure": self._failure,
            "stage": self._stage, "start": self._start, "stop": self._stop,
        }  # fmt: skip

    def take(self, event: Mapping[str, Any]) -> None:
        """Count an event in; one of a kind that is not known is passed over."""
        taking = self._take.get(event.get("event", ""))
        if taking is not None:
            taking(event)
            self.last_event = event["time"]

    def begun_since(self, moment: datetime) -> bool:
        """Whether the last run began at that moment or later, and so has one of its stages."""
        return self.run is not None and bool(self.run.begun) and _seconds(self.run.started) >= moment.timestamp()

    def _start(self, event: Mapping[str, Any]) -> None:
        self.run = _Run(event["time"])
        if event.get("digest") != self._digest:
            self._digest = event.get("digest")
            self.parts.clear()
            self.totals.clear()
            self.open.clear()

    def _stop(self, event: Mapping[str, Any]) -> None:
        if self.run is not None:
            self.run.ended, self.run.why, self.run.message = event["time"], event["why"], event["message"]

    def _stage(self, event: Mapping[str, Any]) -> None:
        self.totals[event["stage"]] = event["locations"]
        if self.run is not None:
            self.run.begun.setdefault(event["stage"], _seconds(event["time"]))

    def _attempt(self, event: Mapping[str, Any]) -> None:
        kind = event["kind"]
        self.requests += 1
        self.received_bytes += event["received_bytes"]
        if kind != OK:
            self.failed[kind] += 1
            self.messages.append(Message(event["time"], event["stage"], event["location_id"], kind, event["message"]))
        if counts(event):
            self.monthly[event["time"][: len("2026-04")]][event["stage"]] += 1
        if self.run is not None:
            _keep_lately(self.run.attempts, (_seconds(event["time"]), kind))

    def _failure(self, event: Mapping[str, Any]) -> None:
        self._failing[event["stage"], event["part"]].append(event)

    def _part(self, event: Mapping[str, Any]) -> None:
        key = event["stage"], event["part"]
        made = _Part(event["locations"], step_from(event["funnel"]) if "funnel" in event else None)
        self._ever[key] = self.parts[key[0]][key[1]] = made
        failing = self._failing.pop(key, [])
        self._now_open(key, failing)
        self._ever_open[key] = failing
        if self.run is not None and event["locations"]:
            _keep_lately(self.run.recent[key[0]], (_seconds(event["time"]), event["locations"]))

    def _now_open(self, key: tuple[str, int], failing: list[Mapping[str, Any]]) -> None:
        if failing:
            self.open[key] = failing
        else:
            self.open.pop(key, None)

    def _reused(self, event: Mapping[str, Any]) -> None:
        stage, untold = event["stage"], event["locations"]
        numbers = list(from_ranges(event["parts"]))
        for part in numbers:
            known = self._ever.get((stage, part))
            if known is not None:
                self.parts[stage][part] = known
                self._now_open((stage, part), self._ever_open.get((stage, part), []))
                untold -= known.locations
        if untold > 0:  # of a store found finished as a whole, or from before the log was lost
            self.parts[stage][-1 - numbers[0]] = _Part(untold)

    def status(self, now: datetime | None = None) -> RunStatus:
        """How the run stands by the events taken so far; rates are those of the minutes before `now`."""
        moment = now or datetime.now(UTC)
        run = self.run
        begin = 0.0 if run is None else _window(run, moment)[0]
        lately = [] if run is None else [kind for time, kind in run.attempts if time >= begin]
        return RunStatus(
            started=None if run is None else run.started,
            ended=None if run is None else run.ended,
            why_ended=None if run is None else run.why,
            last_word="" if run is None else run.message,
            last_event=self.last_event,
            stages=tuple(_stages(self, moment)),
            funnel=tuple(_funnel(self)),
            requests=self.requests,
            failed_requests=tuple(self.failed.most_common()),
            received_bytes=self.received_bytes,
            messages=tuple(self.messages),
            open_failures=tuple(_open(self)),
            requests_this_month=dict(self.monthly[month_of(moment)]),
            requests_per_s=None if run is None else _per_s(len(lately), *_window(run, moment)),
            failed_lately=tuple(Counter(kind for kind in lately if kind != OK).most_common()),
        )


def read_status(events: Iterable[Mapping[str, Any]], now: datetime | None = None) -> RunStatus:
    """Read a whole event log; what it costs grows with its length, what it keeps with the parts."""
    reader = StatusReader()
    for event in events:
        reader.take(event)
    return reader.status(now)


def _stages(reader: StatusReader, now: datetime) -> Iterator[StageStatus]:
    for stage, total in reader.totals.items():
        done = sum(part.locations for part in reader.parts[stage].values())
        yield StageStatus(stage, min(done, total), total, _rate(reader.run, stage, now))


def _rate(run: _Run | None, stage: str, now: datetime) -> float | None:
    """Locations a second over the last minutes, or since the stage began; one that begins late is not slow for it."""
    if run is None:
        return None
    begin, end = _window(run, now)
    begin = max(begin, run.begun.get(stage, begin))
    return _per_s(sum(locations for time, locations in run.recent[stage] if time >= begin), begin, end)


def _window(run: _Run, now: datetime) -> tuple[float, float]:
    """The minutes that a rate is taken over: the last ones of the run, or all of a younger run."""
    end = _seconds(run.ended) if run.ended else now.timestamp()
    return max(end - RATE_WINDOW_S, _seconds(run.started)), end


def _per_s(number: int, begin: float, end: float) -> float | None:
    return number / (end - begin) if number and end > begin else None


def _keep_lately(recent: deque[_Timed], entry: _Timed) -> None:
    """Add an entry, which begins with its time, and forget those that no rate is taken over any more."""
    recent.append(entry)
    while recent[0][0] < entry[0] - 2 * RATE_WINDOW_S:
        recent.popleft()


def _funnel(reader: StatusReader) -> Iterator[FunnelStep]:
    of_tiles = [stage for stage in TILE_FILTERS if stage in reader.totals]
    if not of_tiles:
        yield sample_step(sum(part.locations for part in reader.parts["sample"].values()))
    for stage in of_tiles or FILTERS:
        yield joined(stage, [part.step for part in reader.parts[stage].values() if part.step is not None])


def _open(reader: StatusReader) -> Iterator[OpenFailures]:
    places: Counter[tuple[str, str]] = Counter()
    latest: dict[tuple[str, str], str] = {}
    for failures in reader.open.values():
        for event in failures:
            key = event["stage"], event["kind"]
            places[key] += len(event["location_ids"])
            latest[key] = event["message"]
    for (stage, kind), locations in places.most_common():
        yield OpenFailures(stage, kind, locations, latest[stage, kind])


def can_be_asked_again(failures: OpenFailures) -> bool:
    """Whether only `--retry` asks for these again."""
    return failures.kind == FailureKind.PERMANENT


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
