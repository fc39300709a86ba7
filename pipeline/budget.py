"""How much compute a build may spend in a month, by assumption: the API does not tell what a request cost."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import Field

from pipeline.schema.errors import FailureKind
from pipeline.schema.strict import Strict

S_PER_HOUR: Final = 3600.0
"""EECU-seconds in an EECU-hour."""

SCENE_QUERY_STAGE: Final = "match"
PIXEL_REQUEST_STAGE: Final = "export"

SCENE_QUERY_STAGES: Final = (SCENE_QUERY_STAGE, "pair")
PIXEL_REQUEST_STAGES: Final = (PIXEL_REQUEST_STAGE, "fetch")
"""Of the pretraining set, and of the downstream one from expert tiles."""

HOW_TO_CALIBRATE: Final = (
    "Earth Engine does not report what a request cost, and no published figure for such requests was found: these are "
    "guesses. Build some hundred locations, read 'Used EECU-seconds' by workload tag in the project's Metrics Explorer "
    "(guide, 'Monitor usage'), divide it by the requests that 'noldo status' counts, and set budget.* in the recipe"
)
"""What every estimate of compute must say beside its figure."""


class BudgetSettings(Strict):
    """A monthly limit on the assumed compute of one build; a build that reaches it pauses, and loses nothing.

    The assumed costs are guesses to be replaced (see HOW_TO_CALIBRATE). Failed requests count like the others, for
    the service does not say what they cost (guide, 'Computation overview'), except those that were refused for quota
    before anything was computed.
    """

    eecu_hours: float | None = Field(default=None, gt=0)
    """EECU-hours a calendar month (UTC); without it nothing is limited. Noncommercial projects have 150, 1,000 or
    100,000 a month (guide, 'Noncommercial tiers')."""
    eecu_s_per_pixel_request: float = Field(default=10.0, ge=0)
    """Assumed EECU-seconds of one request for the pixels of a location."""
    eecu_s_per_scene_query: float = Field(default=20.0, ge=0)
    """Assumed EECU-seconds of one request for the scenes of a whole part."""

    def cost_s(self, stage: str) -> float:
        """Assumed EECU-seconds of one request of a stage; 0 for stages that compute nothing there."""
        if stage in SCENE_QUERY_STAGES:
            return self.eecu_s_per_scene_query
        return self.eecu_s_per_pixel_request if stage in PIXEL_REQUEST_STAGES else 0.0

    def left_eecu_s(self, events: Iterable[Mapping[str, Any]], now: datetime | None = None) -> float | None:
        """EECU-seconds that may still be spent in the month of `now`; None where the recipe sets no limit."""
        if self.eecu_hours is None:
            return None
        month = month_of(now or datetime.now(UTC))
        return max(self.eecu_hours * S_PER_HOUR - spent_eecu_s(events, month, self), 0.0)

    def spent_message(self) -> str:
        """What to tell a user whose build has paused for this limit."""
        return (
            f"the month's compute budget of {self.eecu_hours or 0:g} EECU-hours is spent, by the costs assumed in the "
            "recipe; run the same command again next month, or raise budget.eecu_hours"
        )


def month_of(moment: datetime) -> str:
    """The calendar month of a moment in UTC, for example '2026-04'."""
    return moment.astimezone(UTC).strftime("%Y-%m")


def spent_eecu_s(events: Iterable[Mapping[str, Any]], month: str, settings: BudgetSettings) -> float:
    """Assumed EECU-seconds of the requests of one month ('2026-04', UTC), from the events of a run directory.

    Every request is counted at today's assumption, so that a calibrated recipe corrects the whole month.
    """
    counted = Counter(
        str(event["stage"])
        for event in events
        if event.get("event") == "attempt" and str(event.get("time", "")).startswith(month) and counts(event)
    )
    return sum(settings.cost_s(stage) * number for stage, number in counted.items())


def counts(attempt: Mapping[str, Any]) -> bool:
    """Whether a request is taken to have cost anything: those refused for quota are not."""
    return attempt.get("kind") != FailureKind.QUOTA
