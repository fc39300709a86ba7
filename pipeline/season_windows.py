"""When the four seasons of a location are: the published schemes, dates of one's own, or times of a list."""

import hashlib
from calendar import isleap
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Literal

from pydantic import Field, model_validator

from pipeline.schema.errors import UsageError
from pipeline.schema.records import N_SEASONS, Location, TimeWindow
from pipeline.schema.strict import Strict
from pipeline.sources.protocol import SceneLimits, SceneSlot

SCHEMES: Final[dict[str, dict[str, Any]]] = {
    "ssl4eo_v1": {
        "anchors": ("2021-09-22", "2021-06-21", "2021-03-20", "2020-12-21"),
        "shift_days": 364,
        "window_days": 15,
        "fallback_years": 0,
    },
    "ssl4eo_v2": {},
    "listed": {"anchors": "listed", "choose": "nearest", "fallback_years": 0},
}
"""What a name in place of the anchors stands for; every other key of the recipe goes before these.

ssl4eo_v1: four dates, all moved back by one random 0..364 days a location, +-15 days (SSL4EO-S12, section 3.1).
ssl4eo_v2: the defaults below, which SSL4EO-S12's later script and torchgeo's sampler use.
listed: the times that the list of locations brings.
"""


class SeasonSettings(Strict):
    """When the four seasons are, and which scenes qualify (SSL4EO-S12, sections 3.1 and 3.2)."""

    anchors: tuple[date, date, date, date] | Literal["listed"] = (
        date(2021, 12, 21),
        date(2021, 9, 22),
        date(2021, 6, 21),
        date(2021, 3, 20),
    )
    """The middle of each season (UTC), or 'listed': every location brings four times of its own.

    A recipe may also name a scheme: ssl4eo_v1 or ssl4eo_v2.
    """
    shift_days: int = Field(default=0, ge=0, le=3660)
    """All four anchors of a location move back together by a random 0 to this many days, drawn from seed and id."""
    seed: int = 0
    """Of the random shift, and of the random choice."""
    window_days: int = Field(default=30, ge=0, le=3660)
    """Whole days on either side of an anchor; around a listed time, exactly this many times 24 h."""
    fallback_years: int = Field(default=1, ge=0, le=5)
    """A season without a Sentinel-2 scene is looked for up to this many years earlier; 0 with 'listed'."""
    cloud_max_pct: float = Field(default=20.0, gt=0, le=100)
    """Sentinel-2 scenes below this cloud cover, per cent."""
    choose: Literal["clearest", "nearest", "random"] = "clearest"
    """Take the least cloudy scene, the one nearest to the anchor, or any; 'nearest' with 'listed'."""
    prefer_labelled: bool = Field(default=False, exclude_if=lambda preferred: not preferred)
    """Choose among the scenes that have a DW label, where a season has any. The published set did not, and kept 41 %
    of its locations; where all lie on one tile, as around a single city, one scene without a label drops them all."""
    s1_tolerance_days: float | None = Field(default=None, gt=0)
    """Sentinel-1 at most this far from the chosen Sentinel-2 scene; without it, anywhere in the window."""
    s1_orbit: Literal["any", "ascending", "descending", "same"] = "any"
    """Direction of the Sentinel-1 pass. 'same' is one direction for all four seasons of a location: the one that
    has a scene in more of them, then the one nearer in time in total, then ascending."""
    max_candidates: int = Field(default=64, gt=0)
    """Scenes of each sensor to ask for at first a season; a season with as many or more is asked for again in full."""

    @model_validator(mode="before")
    @classmethod
    def _named_scheme(cls, raw: Any) -> Any:
        anchors = raw.get("anchors") if isinstance(raw, dict) else None
        if not isinstance(anchors, str):
            return raw
        if anchors not in SCHEMES:
            raise ValueError(f"anchors is {anchors!r}; expected four dates or one of {', '.join(SCHEMES)}")
        return {**SCHEMES[anchors], **{key: value for key, value in raw.items() if key != "anchors"}}

    @model_validator(mode="after")
    def _no_shift_of_listed_times(self) -> "SeasonSettings":
        if self.anchors == "listed" and self.shift_days:
            raise ValueError("shift_days moves anchors; leave it out where the times are listed")
        return self

    @property
    def limits(self) -> SceneLimits:
        """What a source is asked for at first."""
        return SceneLimits(cloud_max_pct=self.cloud_max_pct, max_candidates=self.max_candidates)


def season_slots(location: Location, settings: SeasonSettings, years_back: int) -> tuple[SceneSlot, ...]:
    """The four seasons of a location, `years_back` years earlier than the settings say (0 or more).

    Raises UsageError where the settings say 'listed' and the location does not bring four times.
    """
    return tuple(
        SceneSlot(location.location_id, season, location.grid, _earlier(window, years_back))
        for season, window in enumerate(_windows(location, settings))
    )


def shift_of(location_id: str, settings: SeasonSettings) -> timedelta:
    """How far back all anchors of a location move: whole days, 0 to shift_days, the same in whatever order asked."""
    return timedelta(days=seeded(settings.seed, "shift", location_id) % (settings.shift_days + 1))


def seeded(seed: int, *parts: str | int) -> int:
    """A 64-bit figure of a seed and a purpose, the same on every machine (SHA-256)."""
    text = "\x1f".join(map(str, (seed, *parts)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _windows(location: Location, settings: SeasonSettings) -> list[TimeWindow]:
    reach = timedelta(days=settings.window_days)
    if settings.anchors == "listed":
        if len(location.dates) != N_SEASONS:
            raise UsageError(
                f"location {location.location_id} brings {len(location.dates)} dates, {N_SEASONS} are needed; "
                "add them to the list of locations or set seasons.anchors to four dates"
            )
        listed = [_as_utc(moment) for moment in location.dates]
        # One millisecond more, the step of scene times, so that no reach at all still finds the very scene.
        return [TimeWindow(m - reach, m + reach + timedelta(milliseconds=1), m) for m in listed]
    back = shift_of(location.location_id, settings)
    noons = [datetime.combine(anchor, time(12), UTC) - back for anchor in settings.anchors]
    half_day = timedelta(hours=12)
    return [TimeWindow(noon - reach - half_day, noon + reach + half_day, noon) for noon in noons]


def _as_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _earlier(window: TimeWindow, years: int) -> TimeWindow:
    """The same dates in an earlier year; 29 February becomes 28 February."""
    centre = window.centre
    year = centre.year - years
    no_such_day = (centre.month, centre.day) == (2, 29) and not isleap(year)
    earlier = centre.replace(year=year, day=28 if no_such_day else centre.day)
    return TimeWindow(earlier - (centre - window.start), earlier + (window.end - centre), earlier)
