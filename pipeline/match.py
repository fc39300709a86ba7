"""Which scenes make the four seasons of a location: metadata only, frozen before any pixel is asked for."""

from calendar import isleap
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from pydantic import Field, model_validator

from pipeline.schema.errors import UsageError
from pipeline.schema.records import (
    N_SEASONS,
    Location,
    S1Scene,
    S2Scene,
    SeasonMatch,
    TimeWindow,
)
from pipeline.schema.strict import Strict
from pipeline.sources.protocol import SceneLimits, SceneSlot, SlotScenes, Source


class SeasonSettings(Strict):
    """When the four seasons are, and which scenes qualify (SSL4EO-S12, sections 3.1 and 3.2)."""

    anchors: tuple[date, date, date, date] | Literal["listed"] = (
        date(2021, 12, 21),
        date(2021, 9, 22),
        date(2021, 6, 21),
        date(2021, 3, 20),
    )
    """The middle of each season (UTC), or 'listed': every location brings four times of its own."""
    window_days: int = Field(default=30, ge=0)
    """Whole days on either side of an anchor; around a listed time, exactly this many times 24 h."""
    fallback_years: int = Field(default=1, ge=0, le=5)
    """A season without a Sentinel-2 scene is looked for up to this many years earlier; 0 with 'listed'."""
    cloud_max_pct: float = Field(default=20.0, gt=0, le=100)
    """Sentinel-2 scenes below this cloud cover, per cent."""
    choose: Literal["clearest", "nearest"] = "clearest"
    """Take the least cloudy scene, or the one nearest to the anchor; 'nearest' with 'listed'."""
    s1_tolerance_days: float | None = Field(default=None, gt=0)
    """Sentinel-1 at most this far from the chosen Sentinel-2 scene; without it, anywhere in the window."""
    max_candidates: int = Field(default=64, gt=0)
    """Scenes of each sensor to look at a season; enough for every scene of the default window."""

    @model_validator(mode="before")
    @classmethod
    def _listed_defaults(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and raw.get("anchors") == "listed":
            return {"choose": "nearest", "fallback_years": 0, **raw}
        return raw

    @property
    def limits(self) -> SceneLimits:
        """What a source is asked for."""
        return SceneLimits(cloud_max_pct=self.cloud_max_pct, max_candidates=self.max_candidates)


def season_slots(location: Location, settings: SeasonSettings, year_shift: int) -> tuple[SceneSlot, ...]:
    """The four seasons of a location, `year_shift` years earlier than the settings say (0 or more).

    Raises UsageError where the settings say 'listed' and the location does not bring four times.
    """
    return tuple(
        SceneSlot(location.location_id, season, location.grid, _shifted(window, year_shift))
        for season, window in enumerate(_windows(location, settings))
    )


def choose(slot: SceneSlot, scenes: SlotScenes, settings: SeasonSettings) -> SeasonMatch:
    """The season's scenes; ties go to the lower asset id, so the order of `scenes` does not matter.

    Sentinel-2 is chosen without regard to its having a label: the four-season filter judges that
    (SSL4EO-S12@NoL keeps the locations whose scenes happen to be labelled).
    """
    centre = slot.window.centre

    def clearest(scene: S2Scene) -> tuple[float, timedelta, str]:
        return scene.cloud_pct, abs(scene.time - centre), scene.asset_id

    def nearest(scene: S2Scene) -> tuple[timedelta, float, str]:
        return abs(scene.time - centre), scene.cloud_pct, scene.asset_id

    s2 = (
        min(scenes.s2, key=clearest, default=None)
        if settings.choose == "clearest"
        else min(scenes.s2, key=nearest, default=None)
    )
    s1 = None if s2 is None else _nearest_s1(scenes.s1, s2.time, settings.s1_tolerance_days)
    return SeasonMatch(
        location_id=slot.location_id,
        season=slot.season,
        s2_id=None if s2 is None else s2.asset_id,
        s2_time=None if s2 is None else s2.time,
        s2_cloud_pct=None if s2 is None else s2.cloud_pct,
        s2_baseline=None if s2 is None else s2.baseline,
        s2_tile=None if s2 is None else s2.tile,
        s1_id=None if s1 is None else s1.asset_id,
        s1_time=None if s1 is None else s1.time,
        s1_orbit_pass=None if s1 is None else s1.orbit_pass,
        s1_relative_orbit=None if s1 is None else s1.relative_orbit,
        dw_id=None if s2 is None else s2.dw_id,
    )


def match_part(locations: Sequence[Location], settings: SeasonSettings, source: Source) -> list[SeasonMatch]:
    """Four matches a location, in order: one question to the source, and one more for the empty seasons.

    Raises SourceError where the source cannot answer, UsageError for listed times that are missing.
    """
    slots = [slot for location in locations for slot in season_slots(location, settings, 0)]
    matches = _match(slots, settings, source)
    empty = [at for at, match in enumerate(matches) if match.s2_id is None]
    shifts = range(1, settings.fallback_years + 1)
    if not empty or not shifts:
        return matches
    by_id = {location.location_id: location for location in locations}
    earlier = [
        season_slots(by_id[slots[at].location_id], settings, shift)[slots[at].season]
        for at in empty
        for shift in shifts
    ]
    found = _match(earlier, settings, source)
    for row, at in enumerate(empty):
        years = found[row * len(shifts) : (row + 1) * len(shifts)]
        matches[at] = next((match for match in years if match.s2_id is not None), matches[at])
    return matches


def _match(slots: Sequence[SceneSlot], settings: SeasonSettings, source: Source) -> list[SeasonMatch]:
    if not slots:
        return []
    found = source.find_scenes(slots, settings.limits)
    return [choose(slot, scenes, settings) for slot, scenes in zip(slots, found, strict=True)]


def _nearest_s1(scenes: Sequence[S1Scene], to: datetime, tolerance_days: float | None) -> S1Scene | None:
    near = [
        scene for scene in scenes if tolerance_days is None or abs(scene.time - to) <= timedelta(days=tolerance_days)
    ]
    return min(near, key=lambda scene: (abs(scene.time - to), scene.asset_id), default=None)


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
    noons = [datetime.combine(anchor, time(12), UTC) for anchor in settings.anchors]
    half_day = timedelta(hours=12)
    return [TimeWindow(noon - reach - half_day, noon + reach + half_day, noon) for noon in noons]


def _as_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _shifted(window: TimeWindow, years: int) -> TimeWindow:
    """The same dates in an earlier year; 29 February becomes 28 February."""
    centre = window.centre
    year = centre.year - years
    no_such_day = (centre.month, centre.day) == (2, 29) and not isleap(year)
    earlier = centre.replace(year=year, day=28 if no_such_day else centre.day)
    return TimeWindow(earlier - (centre - window.start), earlier + (window.end - centre), earlier)
