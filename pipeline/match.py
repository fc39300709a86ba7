"""Which scenes make the four seasons of a part's locations: metadata only, frozen before any pixel is asked for."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pipeline.scene_choice import choose
from pipeline.schema.errors import FailureKind, SourceError
from pipeline.schema.records import N_SEASONS, Location, SeasonMatch
from pipeline.season_windows import SeasonSettings, season_slots
from pipeline.sources.protocol import SceneLimits, SceneSlot, SlotScenes, Source

MORE_CANDIDATES: Final = 16
"""A season whose scenes may have been cut off is asked for again with this many times the limit."""

MOST_REFUSALS: Final = 6
"""So many smaller questions refused, and none answered: it is not one location's fault."""


def match_part(locations: Sequence[Location], settings: SeasonSettings, source: Source) -> list[SeasonMatch]:
    """Four matches a location, in order: one question to the source, and one more for the empty seasons.

    A location whose scenes the source cannot tell, whatever else is asked, gets matches that say why. Raises
    SourceError where it is not one location's fault, UsageError for listed times that are missing.
    """
    try:
        return _match(locations, settings, source)
    except SourceError as error:
        if error.kind is not FailureKind.PERMANENT or len(locations) < 2:
            raise
        refused = error
    return _bisect(locations, settings, source, refused)  # outside, so that its errors have no earlier one as context


def _match(locations: Sequence[Location], settings: SeasonSettings, source: Source) -> list[SeasonMatch]:
    slots = [slot for location in locations for slot in season_slots(location, settings, 0)]
    scenes = _find(slots, settings.limits, source)
    _fall_back(locations, slots, scenes, settings, source)
    matches: list[SeasonMatch] = []
    for first in range(0, len(slots), N_SEASONS):
        here, found = slots[first : first + N_SEASONS], scenes[first : first + N_SEASONS]
        failure = next((season.failure for season in found if season.failure is not None), None)
        matches += choose(here, found, settings) if failure is None else _failed(here[0].location_id, failure)
    return matches


def _fall_back(
    locations: Sequence[Location],
    slots: list[SceneSlot],
    scenes: list[SlotScenes],
    settings: SeasonSettings,
    source: Source,
) -> None:
    """Put the latest earlier year that has optical scenes in the place of seasons that have none."""
    years = range(1, settings.fallback_years + 1)
    empty = [at for at, found in enumerate(scenes) if not found.s2 and found.failure is None]
    if not empty or not years:
        return
    earlier = [
        season_slots(locations[at // N_SEASONS], settings, back)[slots[at].season] for at in empty for back in years
    ]
    found = _find(earlier, settings.limits, source)
    for row, at in enumerate(empty):
        of_season = range(row * len(years), (row + 1) * len(years))
        taken = next((i for i in of_season if found[i].s2 or found[i].failure is not None), None)
        if taken is not None:
            slots[at], scenes[at] = earlier[taken], found[taken]


def _find(slots: Sequence[SceneSlot], limits: SceneLimits, source: Source) -> list[SlotScenes]:
    """Every scene that qualifies: where an answer is as long as the limit, some may be missing, so ask for more.

    A source sorts by one figure; which of several equal scenes it leaves out is its own choice and must not be ours.
    """
    if not slots:
        return []
    found = source.find_scenes(slots, limits)
    full = [at for at, scenes in enumerate(found) if max(len(scenes.s2), len(scenes.s1)) >= limits.max_candidates]
    if full:
        more = replace(limits, max_candidates=limits.max_candidates * MORE_CANDIDATES)
        for at, scenes in zip(full, _find([slots[at] for at in full], more, source), strict=True):
            found[at] = scenes
    return found


def _bisect(
    locations: Sequence[Location], settings: SeasonSettings, source: Source, error: SourceError
) -> list[SeasonMatch]:
    """Find the locations that a refused question fails on, and match the others.

    Raises the error itself where every smaller question is refused too, so that a project without access is not
    asked hundreds of times.
    """
    matched: dict[str, list[SeasonMatch]] = {}
    refused = deque([(locations, error)])
    refusals = 0
    while refused:
        group, reason = refused.popleft()
        if len(group) == 1:
            matched[group[0].location_id] = _failed(group[0].location_id, reason)
            continue
        half = len(group) // 2
        for part in (group[:half], group[half:]):
            try:
                found = _match(part, settings, source)
            except SourceError as again:
                if again.kind is not FailureKind.PERMANENT:
                    raise
                refused.append((part, again))
                refusals += 1
            else:
                for first, location in enumerate(part):
                    matched[location.location_id] = found[first * N_SEASONS : (first + 1) * N_SEASONS]
        if refusals >= MOST_REFUSALS and not matched:
            raise error
    return [match for location in locations for match in matched[location.location_id]]


def _failed(location_id: str, error: SourceError) -> list[SeasonMatch]:
    """Four matches that hold nothing but the reason."""
    nothing = dict.fromkeys(
        ("s2_id", "s2_time", "s2_cloud_pct", "s2_baseline", "s2_tile", "s1_id", "s1_time", "s1_orbit_pass",
         "s1_relative_orbit", "dw_id"),
    )  # fmt: skip
    return [
        SeasonMatch(location_id, season, **nothing, failure_kind=error.kind, failure_message=str(error))
        for season in range(N_SEASONS)
    ]
