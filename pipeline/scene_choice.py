"""Which of the scenes that qualify are a location's four seasons. Pure, and blind to the order of the scenes."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

from pipeline.schema.records import S1Scene, S2Scene, SeasonMatch
from pipeline.season_windows import SeasonSettings, seeded
from pipeline.sources.protocol import SceneSlot, SlotScenes

PASSES: Final = {"ascending": "ASCENDING", "descending": "DESCENDING"}
"""A recipe's direction -> orbitProperties_pass of COPERNICUS/S1_GRD (Earth Engine catalogue)."""


def choose(slots: Sequence[SceneSlot], found: Sequence[SlotScenes], settings: SeasonSettings) -> list[SeasonMatch]:
    """The scenes of one location's seasons; ties go to the lower asset id.

    Sentinel-2 is chosen without regard to a radar scene beside it, and to its having a label unless the settings
    prefer that: the four-season filter judges both (SSL4EO-S12@NoL keeps the locations whose scenes happen to be
    labelled).
    """
    optical = [choose_s2(slot, scenes.s2, settings) for slot, scenes in zip(slots, found, strict=True)]
    radar = _choose_s1([(s2, scenes.s1) for s2, scenes in zip(optical, found, strict=True)], settings)
    return [_match(slot, s2, s1) for slot, s2, s1 in zip(slots, optical, radar, strict=True)]


def choose_s2(slot: SceneSlot, scenes: Iterable[S2Scene], settings: SeasonSettings) -> S2Scene | None:
    """The clearest scene, the one nearest to the window's centre, or any, drawn from seed, place and season.

    Where the settings prefer labels, of those scenes that have one, if there are any.
    """

    def distance(scene: S2Scene) -> timedelta:
        return abs(scene.time - slot.window.centre)

    keys: dict[str, Callable[[S2Scene], Any]] = {
        "clearest": lambda scene: (scene.cloud_pct, distance(scene), scene.asset_id),
        "nearest": lambda scene: (distance(scene), scene.cloud_pct, scene.asset_id),
        "random": lambda scene: (
            seeded(settings.seed, "scene", slot.location_id, slot.season, scene.asset_id),
            scene.asset_id,
        ),
    }
    every = list(scenes)
    labelled = [scene for scene in every if scene.dw_id is not None] if settings.prefer_labelled else []
    return min(labelled or every, key=keys[settings.choose], default=None)


def _choose_s1(
    seasons: Sequence[tuple[S2Scene | None, Sequence[S1Scene]]], settings: SeasonSettings
) -> list[S1Scene | None]:
    """The radar scene nearest in time to each optical one, of the passes that the settings allow."""
    if settings.s1_orbit == "any":
        return [_nearest(s2, scenes, settings) for s2, scenes in seasons]
    if settings.s1_orbit != "same":
        return [_nearest(s2, _of_pass(scenes, PASSES[settings.s1_orbit]), settings) for s2, scenes in seasons]
    choices = [
        [_nearest(s2, _of_pass(scenes, direction), settings) for s2, scenes in seasons] for direction in PASSES.values()
    ]

    def rank(choice: list[S1Scene | None]) -> tuple[int, timedelta]:
        gaps = [abs(s1.time - s2.time) for s1, (s2, _) in zip(choice, seasons, strict=True) if s1 and s2]
        return -len(gaps), sum(gaps, timedelta(0))

    return min(choices, key=rank)


def _of_pass(scenes: Sequence[S1Scene], direction: str) -> list[S1Scene]:
    return [scene for scene in scenes if scene.orbit_pass == direction]


def _nearest(s2: S2Scene | None, scenes: Sequence[S1Scene], settings: SeasonSettings) -> S1Scene | None:
    if s2 is None:
        return None
    days = settings.s1_tolerance_days
    near = [scene for scene in scenes if days is None or abs(scene.time - s2.time) <= timedelta(days=days)]
    return min(near, key=lambda scene: (abs(scene.time - s2.time), scene.asset_id), default=None)


def _match(slot: SceneSlot, s2: S2Scene | None, s1: S1Scene | None) -> SeasonMatch:
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
        s2_relative_orbit=None if s2 is None else s2.relative_orbit,
        s2_platform=None if s2 is None else s2.platform,
        s1_platform=None if s1 is None else s1.platform,
    )
