"""Which scenes go with an expert tile: metadata only, frozen before any pixel is asked for."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from pydantic import Field

from pipeline.scene_search import asked_together, every_scene
from pipeline.schema.errors import SourceError
from pipeline.schema.records import S1Scene, S2Scene, TimeWindow
from pipeline.schema.strict import Strict
from pipeline.schema.tiles import ExpertTile, TilePair
from pipeline.sources.protocol import SceneLimits, SceneSlot, SlotScenes, Source

FIRST_NORTHERN_BAND: Final = "N"
"""Latitude bands of the Military Grid Reference System: C to M lie south of the equator, N to X north of it."""

EPSG_NORTH: Final = 32600
EPSG_SOUTH: Final = 32700
"""EPSG code of a UTM zone, less its number."""

SLOTS_A_TILE: Final = 2
"""Of a scene query: from the label's day on, and before it."""


class PairSettings(Strict):
    """Which scenes may go with a tile (SSL4EO-S12@DW: 15 days, 20 % cloud)."""

    s2_days: float = Field(default=15.0, gt=0, le=366)
    """Sentinel-2 in the label's day or so many days from its beginning on, else so many days before it."""
    s1_days: float = Field(default=15.0, gt=0, le=366)
    """Sentinel-1 at most so many days before or after the beginning of the label's day (UTC)."""
    cloud_max_pct: float = Field(default=20.0, gt=0, le=100)
    """Sentinel-2 scenes below this cloud cover, per cent."""
    max_candidates: int = Field(default=64, gt=0)
    """Scenes of each sensor to ask for at first; a tile with as many or more is asked for again in full."""

    @property
    def limits(self) -> SceneLimits:
        """What scenes qualify."""
        return SceneLimits(self.cloud_max_pct, self.max_candidates)


def pair_tiles(tiles: Sequence[ExpertTile], settings: PairSettings, source: Source) -> list[TilePair]:
    """A pair for every tile, in order, from one question to the source.

    A tile whose scenes the source cannot tell, whatever else is asked, gets a pair that says why. Raises SourceError
    where it is not one tile's fault.
    """

    def ask(some: Sequence[ExpertTile]) -> list[TilePair]:
        slots = [slot for tile in some for slot in tile_slots(tile, settings)]
        found = every_scene(slots, settings.limits, source)
        return [
            choose_pair(tile, found[SLOTS_A_TILE * at : SLOTS_A_TILE * (at + 1)], settings)
            for at, tile in enumerate(some)
        ]

    return asked_together(tiles, ask, _failed)


def tile_slots(tile: ExpertTile, settings: PairSettings) -> tuple[SceneSlot, SceneSlot]:
    """The two questions about a tile: scenes from its day on, and scenes before it."""
    reach = timedelta(days=max(settings.s2_days, settings.s1_days))
    after = TimeWindow(tile.day, tile.day + reach, centre=tile.day)
    before = TimeWindow(tile.day - reach, tile.day, centre=tile.day)
    return SceneSlot(tile.tile_id, 0, tile.grid, after), SceneSlot(tile.tile_id, 1, tile.grid, before)


def choose_pair(tile: ExpertTile, found: Sequence[SlotScenes], settings: PairSettings) -> TilePair:
    """The scenes of one tile, of all that contain it. Pure, and blind to their order.

    Sentinel-2 is the first of the tile's own UTM zone and hemisphere from the label's
    day on; where there is none, the last one before it. Sentinel-1 is the one nearest in time to that; the published
    scripts took the farthest. Ties go to the lower asset id.
    """
    failure = next((slot.failure for slot in found if slot.failure is not None), None)
    if failure is not None:
        return _failed(tile, failure)
    # The two questions overlap nowhere, but a catalogue's windows are not for us to rely on.
    optical = {scene.asset_id: scene for slot in found for scene in slot.s2}.values()
    radar = {scene.asset_id: scene for slot in found for scene in slot.s1}.values()
    reach = timedelta(days=settings.s2_days)
    timely = [scene for scene in optical if -reach <= scene.time - tile.day < reach]
    own = [scene for scene in timely if zone_epsg(scene.tile) == tile.grid.epsg]
    s2 = _first_after_or_last_before(own, tile)
    if s2 is None:
        where = f"{len(timely)} in other UTM zones" if timely else "none in any UTM zone"
        return TilePair(
            tile.tile_id,
            reason="S2 in other UTM zones only" if timely else "no S2 scene",
            detail=f"{tile.day:%Y-%m-%d} +-{settings.s2_days:g} days, cloud < {settings.cloud_max_pct:g} %: {where}",
        )
    near = [scene for scene in radar if abs(scene.time - tile.day) <= timedelta(days=settings.s1_days)]
    s1 = min(near, key=lambda scene: (abs(scene.time - s2.time), scene.asset_id), default=None)
    return _pair(tile, s2, s1, settings)


def zone_epsg(mgrs_tile: str) -> int | None:
    """EPSG code of the UTM zone and hemisphere of a Sentinel-2 tile such as 33TWL; None for what is no such name."""
    number, band = mgrs_tile[:2], mgrs_tile[2:3]
    if not (number.isdecimal() and band.isalpha()):
        return None
    return (EPSG_NORTH if band.upper() >= FIRST_NORTHERN_BAND else EPSG_SOUTH) + int(number)


def _first_after_or_last_before(scenes: Sequence[S2Scene], tile: ExpertTile) -> S2Scene | None:
    after = [scene for scene in scenes if scene.time >= tile.day]
    if after:
        return min(after, key=lambda scene: (scene.time, scene.asset_id))
    return min(scenes, key=lambda scene: (tile.day - scene.time, scene.asset_id), default=None)


def _pair(tile: ExpertTile, s2: S2Scene, s1: S1Scene | None, settings: PairSettings) -> TilePair:
    return TilePair(
        tile_id=tile.tile_id,
        s2_id=s2.asset_id,
        s2_time=s2.time,
        s2_cloud_pct=s2.cloud_pct,
        s2_baseline=s2.baseline,
        s2_tile=s2.tile,
        s2_relative_orbit=s2.relative_orbit,
        s2_platform=s2.platform,
        s1_id=None if s1 is None else s1.asset_id,
        s1_time=None if s1 is None else s1.time,
        s1_orbit_pass=None if s1 is None else s1.orbit_pass,
        s1_relative_orbit=None if s1 is None else s1.relative_orbit,
        s1_platform=None if s1 is None else s1.platform,
        reason="no S1 scene" if s1 is None else "",
        detail=f"{tile.day:%Y-%m-%d} +-{settings.s1_days:g} days" if s1 is None else "",
    )


def _failed(tile: ExpertTile, error: SourceError) -> TilePair:
    """A pair that holds nothing but the reason."""
    return TilePair(tile.tile_id, failure_kind=error.kind, failure_message=str(error))
