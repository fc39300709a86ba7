"""Which scenes make the four seasons of a part's locations: metadata only, frozen before any pixel is asked for."""

from collections.abc import Sequence

from pipeline.scene_choice import choose
from pipeline.scene_search import asked_together, every_scene
from pipeline.schema.errors import SourceError
from pipeline.schema.records import N_SEASONS, Location, SeasonMatch
from pipeline.season_windows import SeasonSettings, season_slots
from pipeline.sources.protocol import SceneSlot, SlotScenes, Source


def match_part(locations: Sequence[Location], settings: SeasonSettings, source: Source) -> list[SeasonMatch]:
    """Four matches a location, in order: one question to the source, and one more for the empty seasons.

    A location whose scenes the source cannot tell, whatever else is asked, gets matches that say why. Raises
    SourceError where it is not one location's fault, UsageError for listed times that are missing.
    """
    matched = asked_together(locations, lambda some: _match(some, settings, source), _failed)
    return [match for seasons in matched for match in seasons]


def _match(locations: Sequence[Location], settings: SeasonSettings, source: Source) -> list[list[SeasonMatch]]:
    slots = [slot for location in locations for slot in season_slots(location, settings, 0)]
    scenes = every_scene(slots, settings.limits, source)
    _fall_back(locations, slots, scenes, settings, source)
    matches: list[list[SeasonMatch]] = []
    for first in range(0, len(slots), N_SEASONS):
        here, found = slots[first : first + N_SEASONS], scenes[first : first + N_SEASONS]
        failure = next((season.failure for season in found if season.failure is not None), None)
        location = locations[first // N_SEASONS]
        matches.append(choose(here, found, settings) if failure is None else _failed(location, failure))
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
    found = every_scene(earlier, settings.limits, source)
    for row, at in enumerate(empty):
        of_season = range(row * len(years), (row + 1) * len(years))
        taken = next((i for i in of_season if found[i].s2 or found[i].failure is not None), None)
        if taken is not None:
            slots[at], scenes[at] = earlier[taken], found[taken]


def _failed(location: Location, error: SourceError) -> list[SeasonMatch]:
    """Four matches that hold nothing but the reason."""
    nothing = dict.fromkeys(
        ("s2_id", "s2_time", "s2_cloud_pct", "s2_baseline", "s2_tile", "s1_id", "s1_time", "s1_orbit_pass",
         "s1_relative_orbit", "dw_id"),
    )  # fmt: skip
    return [
        SeasonMatch(location.location_id, season, **nothing, failure_kind=error.kind, failure_message=str(error))
        for season in range(N_SEASONS)
    ]
