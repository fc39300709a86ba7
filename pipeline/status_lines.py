"""How a run stands, as a screen of text."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pipeline.budget import S_PER_HOUR, BudgetSettings
from pipeline.funnel_step import funnel_lines
from pipeline.quantities import duration, rate, size
from pipeline.schema.errors import FailureKind
from pipeline.status import RATE_WINDOW_S, TRAINING, OpenFailures, RunStatus, StageStatus

WHY: Final = {
    "finished": "finished",
    "stopped": "stopped by Ctrl-C or by a signal; the same command goes on",
    "paused": "paused with locations still to be had; the same command goes on with them",
    "budget": "paused, the month's compute budget being spent; the same command goes on next month",
    "failed": "ended by an error; the same command goes on when it is put right",
}
"""What each ending of a run means."""

BAR: Final = 24

SILENT_S: Final = 600.0
"""A build that has written nothing down for so long may hang; in object storage it is taken to be gone."""


@dataclass(frozen=True)
class RunAbout:
    """What a status says of a run besides its events."""

    folder: str
    recipe: str
    """The recipe in a few words."""
    running: bool
    budget: BudgetSettings
    unit: str = "locations"
    """What its stages count."""
    whole: bool = False
    """Whether its index is there; an import of tiles writes down no events."""


def status_lines(status: RunStatus, about: RunAbout, now: datetime | None = None) -> list[str]:
    """The whole screen."""
    moment = now or datetime.now(UTC)
    lines = [f"{about.folder}: {about.recipe}", state_line(status, about, moment)]
    if status.stages:
        lines += ["", "Stages", *(_stage_line(stage, about.running) for stage in status.stages)]
        if about.running and status.eta_s:
            lines.append(f"  all that has begun is done in about {duration(status.eta_s)}")
    funnel = funnel_lines(status.funnel, by_season=True)
    if funnel:
        lines += ["", about.unit.capitalize(), *funnel]
    if status.requests:
        lines += ["", *_request_lines(status, about.budget)]
    if status.open_failures:
        lines += ["", "Still to be had", *_open_lines(status.open_failures, about)]
    if status.messages:
        lines += ["", "Last failed requests"]
        lines += [f"  {m.time[:19]}  {m.stage} {m.location_id}  {m.kind}: {m.message[:160]}" for m in status.messages]
    return lines


def short_line(status: RunStatus, about: RunAbout) -> str:
    """The same in a line, for whoever keeps a log of it."""
    unfinished = [stage for stage in status.stages if stage.done < stage.total]
    words = [_stage_words(stage) for stage in unfinished] or ["running" if about.running else "not running"]
    kinds = ", ".join(f"{number} {kind}" for kind, number in status.failed_requests)
    words.append(f"{status.requests} requests{f' ({kinds})' if kinds else ''}")
    left = sum(failures.locations for failures in status.open_failures)
    if left:
        words.append(f"{left} {about.unit} still to be had")
    return f"{'; '.join(words)}; {status.spent_eecu_s(about.budget):.0f} EECU-s this month, assumed"


def state_line(status: RunStatus, about: RunAbout, now: datetime) -> str:
    """How the run stands, in a sentence; a second line where it said something as it ended."""
    if about.running:
        since = "" if status.started is None else f" for {_ago(status.started, now)}"
        return f"Running{since}{_quiet(status, now)}"
    if status.started is None and about.whole:
        return "Not running; finished, manifest/ and report.html tell what is there"
    if status.started is None:
        return "Not running; no run has been written down here"
    if status.why_ended is None or status.ended is None:
        return "Not running; the last run was killed; the same command goes on"
    said = f"\n  {status.last_word}" if status.last_word and status.why_ended != "finished" else ""
    return f"Not running; {WHY.get(status.why_ended, status.why_ended)} ({_ago(status.ended, now)} ago){said}"


def _quiet(status: RunStatus, now: datetime) -> str:
    """When anything was written down last, and what to think of it."""
    if status.last_event is None:
        return ""
    quiet_s = (now - datetime.fromisoformat(status.last_event)).total_seconds()
    at_work = any(stage.done < stage.total for stage in status.stages if stage.stage != TRAINING)
    doubt = ": it waits, or hangs" if at_work and quiet_s > SILENT_S else ""
    return f"; last event {_ago(status.last_event, now)} ago{doubt}"


def _stage_words(stage: StageStatus) -> str:
    words = f"{stage.stage} {stage.done} of {stage.total}"
    return words if not (stage.per_s and stage.eta_s) else f"{words}, {rate(stage.per_s)}, ETA {duration(stage.eta_s)}"


def _stage_line(stage: StageStatus, running: bool) -> str:
    share = stage.done / stage.total if stage.total else 1.0
    full = int(share * BAR)
    line = f"  {stage.stage:<10}{'█' * full}{'·' * (BAR - full)} {stage.done:>8} of {stage.total} ({share:.1%})"
    if running and stage.per_s and stage.eta_s:
        line += f"  {rate(stage.per_s)}, ETA {duration(stage.eta_s)}"
    return line


def _request_lines(status: RunStatus, budget: BudgetSettings) -> list[str]:
    failed = sum(number for _, number in status.failed_requests)
    kinds = ", ".join(f"{number} {kind}" for kind, number in status.failed_requests)
    lines = [
        f"Requests   {status.requests} sent, {failed} of them failed{f' ({kinds})' if kinds else ''}, "
        f"{size(status.received_bytes)} received",
        *_lately_lines(status),
    ]
    spent = status.spent_eecu_s(budget) / S_PER_HOUR
    limit = "no limit set" if budget.eecu_hours is None else f"of {budget.eecu_hours:g} allowed"
    lines.append(
        f"Compute    {spent:.2f} EECU-hours this month ({limit}), assuming {budget.eecu_s_per_pixel_request:g} s a "
        f"pixel request and {budget.eecu_s_per_scene_query:g} s a scene query"
    )
    return [*lines, "           (assumed, not measured: 'noldo plan' says how to calibrate it)"]


def _lately_lines(status: RunStatus) -> list[str]:
    """What a running build's last minutes were like; 'quota' is the service's answer 429, 'too many requests'."""
    if status.ended is not None or status.requests_per_s is None:
        return []
    failed = ", ".join(f"{number} {kind}" for kind, number in status.failed_lately) or "none failed"
    return [f"           {rate(status.requests_per_s)} in the last {RATE_WINDOW_S / 60:.0f} min ({failed})"]


def _open_lines(failures: Sequence[OpenFailures], about: RunAbout) -> list[str]:
    lines = [f"  {f.locations:>6} {about.unit} in {f.stage}, {f.kind}: {f.message[:160]}" for f in failures]
    if any(f.kind != FailureKind.PERMANENT for f in failures):
        lines.append("  the next run asks for those that are not permanent again by itself")
    if any(f.kind == FailureKind.PERMANENT for f in failures):
        lines.append(f"  for the permanent ones:  noldo build RECIPE --out {about.folder} --retry permanent")
    return lines


def _ago(time: str, now: datetime) -> str:
    return duration(round(max((now - datetime.fromisoformat(time)).total_seconds(), 0.0)))
