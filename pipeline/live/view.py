"""What the live page says, worked out from the status of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pipeline.budget import S_PER_HOUR
from pipeline.funnel_step import ENTERED, WORDS, FunnelStep
from pipeline.live.previews import Preview
from pipeline.live.training import TrainingView
from pipeline.quantities import duration, rate, size
from pipeline.report.words import count
from pipeline.schema.errors import FailureKind
from pipeline.status import RATE_WINDOW_S, TRAINING, RunStatus, StageStatus
from pipeline.status_lines import WHY, RunAbout, state_line

LATELY: Final = f"in the last {RATE_WINDOW_S / 60:.0f} min"

KINDS: Final = {
    FailureKind.QUOTA: "refused as too many (429)",
    FailureKind.TRANSIENT: "passing trouble: lost connections, time-outs, errors of the service",
    FailureKind.PERMANENT: "refused for good",
    FailureKind.EMPTY: "nothing there",
}
"""What each kind of failure means."""


@dataclass(frozen=True)
class Fact:
    """One figure at the top of the page."""

    key: str
    """Of the element that holds it."""
    name: str
    value: str
    note: str


@dataclass(frozen=True)
class StageView:
    """One stage's bar."""

    stage: str
    done: int
    total: int
    share: float
    note: str
    """Rate and time left; empty where it is done or nobody can tell."""


@dataclass(frozen=True)
class StepView:
    """One filter of the funnel."""

    name: str
    kept: int
    entered: int
    """What it has judged so far."""
    share: float
    """Kept, of all that came into the whole funnel, 0..1."""
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class FailureView:
    """One kind of failure."""

    kind: str
    meaning: str
    requests: int
    """That ended so."""
    lately: int
    """Of those, in the last minutes."""
    open: int
    """Locations, or tiles, that are still to be had for it."""


@dataclass(frozen=True)
class LiveView:
    """Everything that the page shows."""

    name: str
    """Of the run's folder."""
    about: RunAbout
    status: RunStatus
    state: str
    """How the run stands, in a sentence."""
    progress: str
    """For the title of the window."""
    facts: tuple[Fact, ...]
    stages: tuple[StageView, ...]
    funnel: tuple[StepView, ...]
    failures: tuple[FailureView, ...]
    previews: tuple[Preview, ...]
    written: datetime
    """When the page was made, UTC."""
    next_s: float
    """When the next one follows, seconds."""
    cpu_s: float
    """CPU time that this page has taken in all."""
    cpu_share: float
    """The same as a share of one core's time since the build began."""


def live_view(
    name: str,
    status: RunStatus,
    about: RunAbout,
    training: TrainingView | None,
    previews: tuple[Preview, ...],
    *,
    now: datetime,
    next_s: float,
    cpu_s: float,
    elapsed_s: float,
) -> LiveView:
    """Put the page's figures together; `elapsed_s` is how long this run has taken so far."""
    stages = (*(_stage(stage, about.running) for stage in status.stages), *_training_stage(training))
    return LiveView(
        name=name,
        about=about,
        status=status,
        state=state_line(status, about, now) if about.running else _ending(status),
        progress=_progress(stages),
        facts=tuple(_facts(status, about, stages)),
        stages=stages,
        funnel=tuple(_funnel(status.funnel)),
        failures=tuple(_failures(status)),
        previews=previews,
        written=now.astimezone(UTC),
        next_s=next_s,
        cpu_s=cpu_s,
        cpu_share=cpu_s / elapsed_s if elapsed_s > 0 else 0.0,
    )


def _ending(status: RunStatus) -> str:
    """How the run ended; without the time since, for this page is not written again."""
    if status.why_ended is None:
        return "Ended; why could not be written down"
    words = WHY.get(status.why_ended, status.why_ended)
    said = f"\n{status.last_word}" if status.last_word and status.why_ended != "finished" else ""
    return f"{words[0].upper()}{words[1:]}{said}"


def _stage(stage: StageStatus, running: bool) -> StageView:
    note = ""
    if running and stage.per_s and stage.eta_s:
        note = f"{rate(stage.per_s)}, {duration(stage.eta_s)} left"
    return StageView(stage.stage, stage.done, stage.total, stage.done / stage.total if stage.total else 1.0, note)


def _training_stage(training: TrainingView | None) -> tuple[StageView, ...]:
    if training is None or not training.epochs:
        return ()
    losses = (("loss", training.train_loss), ("validation", training.val_loss))
    note = ", ".join(f"{name} {value:.3f}" for name, value in losses if value is not None)
    return (StageView(TRAINING, training.epoch, training.epochs, training.epoch / training.epochs, note),)


def _slowest(stages: tuple[StageView, ...]) -> StageView | None:
    """The stage under way that has come least far."""
    unfinished = [stage for stage in stages if stage.done < stage.total]
    return min(unfinished, key=lambda stage: stage.share, default=None)


def _progress(stages: tuple[StageView, ...]) -> str:
    slowest = _slowest(stages)
    return "" if slowest is None else f"{slowest.stage} {slowest.share:.0%}"


def _done_fact(stages: tuple[StageView, ...], about: RunAbout) -> Fact:
    slowest, name = _slowest(stages), "Under way" if about.running else "Got to"
    if slowest is None:
        return Fact("done", name, "–", "all that has begun is done" if stages else "no stage has begun yet")
    unit = "epochs" if slowest.stage == TRAINING else about.unit
    return Fact("done", name, f"{slowest.share:.0%}", f"{slowest.stage}, {count(slowest.total)} {unit}")


def _facts(status: RunStatus, about: RunAbout, stages: tuple[StageView, ...]) -> list[Fact]:
    lately = dict(status.failed_lately)
    failed = dict(status.failed_requests)
    refused, others = failed.get(FailureKind.QUOTA, 0), sum(n for k, n in failed.items() if k != FailureKind.QUOTA)
    spent_s = status.spent_eecu_s(about.budget)
    limit = about.budget.eecu_hours
    return [
        _done_fact(stages, about),
        _rate_fact(status, about),
        Fact("eta", "Time left", *_time_left(status, about)),
        Fact("requests", "Requests", count(status.requests), _requests_note(status)),
        Fact("refused", "Too many requests (429)", count(refused), f"{lately.get(FailureKind.QUOTA, 0)} {LATELY}"),
        Fact(
            "failed",
            "Other failed requests",
            count(others),
            f"{sum(n for k, n in lately.items() if k != FailureKind.QUOTA)} {LATELY}",
        ),
        Fact("open", "Still to be had", count(sum(f.locations for f in status.open_failures)), f"{about.unit} failed"),
        Fact(
            "compute",
            "Compute",
            f"{count(round(spent_s))} EECU-s",
            f"{spent_s / S_PER_HOUR:.3g} EECU-h this month, assumed"
            + (f"; {limit:g} allowed" if limit is not None else "; no limit set"),
        ),
    ]


def _rate_fact(status: RunStatus, about: RunAbout) -> Fact:
    """The rate of the stage that has the longest way to go."""
    unfinished = [stage for stage in status.stages if stage.done < stage.total]
    slowest = max(unfinished, key=lambda stage: stage.eta_s or 0.0, default=None)
    if slowest is None or not about.running:
        return Fact("rate", "Rate", "–", "nothing under way")
    words = "–" if slowest.per_s is None else rate(slowest.per_s)
    return Fact("rate", "Rate", words, f"{about.unit} through {slowest.stage} {LATELY}")


def _time_left(status: RunStatus, about: RunAbout) -> tuple[str, str]:
    if not about.running or not status.eta_s:
        done = bool(status.stages) and status.eta_s == 0.0
        return "–", "all that has begun is done" if done else "not known yet" if about.running else "the run has ended"
    return duration(status.eta_s), "until all that has begun is done"


def _requests_note(status: RunStatus) -> str:
    received = f"{size(status.received_bytes)} received"
    return received if not status.requests_per_s else f"{rate(status.requests_per_s)}, {received}"


def _funnel(steps: tuple[FunnelStep, ...]) -> list[StepView]:
    shown = [step for step in steps if step.entered]
    whole = max((step.entered for step in shown), default=0)
    views = []
    for step in shown:
        if step.stage in ENTERED and step.entered > step.kept:
            views.append(StepView(ENTERED[step.stage], step.entered, step.entered, step.entered / whole, ()))
        views.append(StepView(WORDS[step.stage], step.kept, step.entered, step.kept / whole, step.reasons))
    return views


def _failures(status: RunStatus) -> list[FailureView]:
    requests, lately = dict(status.failed_requests), dict(status.failed_lately)
    still: dict[str, int] = {}
    for found in status.open_failures:
        still[found.kind] = still.get(found.kind, 0) + found.locations
    kinds = sorted({*requests, *still}, key=lambda kind: -requests.get(kind, 0))
    meanings: Mapping[str, str] = {kind.value: words for kind, words in KINDS.items()}
    return [
        FailureView(kind, meanings.get(kind, ""), requests.get(kind, 0), lately.get(kind, 0), still.get(kind, 0))
        for kind in kinds
    ]
