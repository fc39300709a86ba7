"""Scenes at real places and times, from a list of locations like SSL4EO-S12's."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import geopandas as gpd
from shapely import Polygon

from pipeline.emulator.catalogue_s2 import make_scene, whole_footprint
from pipeline.emulator.noise import key, unit
from pipeline.emulator.scene import EmulatedScene
from pipeline.emulator.tiles import tile_named
from pipeline.schema.errors import UsageError

COLUMNS: Final = ("time", "tile_id")
"""What is read of SSL4EO-S12's layout: acquisition time (UTC) and Sentinel-2 tile."""
MAX_CLOUD_PCT: Final = 19.0
"""Listed scenes were chosen below 20 % cloud."""
REPLACES: Final = timedelta(hours=3)
"""A listed scene stands for the catalogue's own scene of that tile within this time."""


class Listed:
    """Sentinel-2 scenes of a list: one whole-tile scene for each tile and time."""

    def __init__(self, seed: int, path: Path) -> None:
        """Read a GeoParquet with COLUMNS; UsageError says what is wrong with it."""
        try:
            table = gpd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise UsageError(f"{path} cannot be read as GeoParquet ({error}); give such a list of locations") from error
        missing = [name for name in COLUMNS if name not in table.columns]
        if missing:
            raise UsageError(f"{path} lacks the columns {', '.join(missing)}; it needs {', '.join(COLUMNS)}")
        self._by_index: dict[str, EmulatedScene] = {}
        self._by_tile: dict[str, list[EmulatedScene]] = defaultdict(list)
        for tile_id, time in sorted(set(zip(table["tile_id"], table["time"], strict=True))):
            self._add(seed, path, str(tile_id), time.to_pydatetime())

    def _add(self, seed: int, path: Path, tile_id: str, when: datetime) -> None:
        tile = tile_named(tile_id)
        if tile is None:
            raise UsageError(f"{path}: there is no land tile {tile_id!r}; tiles are named like T33TWL")
        time = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
        index = f"{time:%Y%m%dT%H%M%S}_{time - timedelta(seconds=5):%Y%m%dT%H%M%S}_T{tile.name}"
        cloudy = round(MAX_CLOUD_PCT * unit(key(seed, "listed-cloud", index)) ** 1.5, 4)
        satellite = "Sentinel-2A" if unit(key(seed, "listed-satellite", index)) < 0.5 else "Sentinel-2B"
        relative = 1 + int(143 * unit(key(seed, "listed-orbit", index)))
        scene = make_scene(tile, index, time, whole_footprint(tile), cloudy, satellite, relative)
        self._by_index[index] = scene
        self._by_tile[tile.name].append(scene)

    def find(self, index: str) -> EmulatedScene | None:
        """The listed scene of that system:index, or None."""
        return self._by_index.get(index)

    def replaces(self, scene: EmulatedScene) -> bool:
        """Whether a listed scene stands for this one of the catalogue."""
        listed = self._by_tile.get(str(scene.properties["MGRS_TILE"]), ())
        return any(abs(other.time - scene.time) < REPLACES for other in listed)

    def search(self, region: Polygon, start: datetime, end: datetime, tiles: list[str]) -> list[EmulatedScene]:
        """Listed scenes of those tiles that meet the region with start <= time < end."""
        return [
            scene
            for name in tiles
            for scene in self._by_tile.get(name, ())
            if start <= scene.time < end and scene.footprint.intersects(region)
        ]
