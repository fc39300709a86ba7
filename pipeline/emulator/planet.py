"""The seeded planet: a catalogue of scenes and their pixels, a pure function of seed, scene and grid."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon, box

from pipeline.emulator import annotator, optical, radar
from pipeline.emulator.catalogue_s1 import ascending, find_s1, search_s1
from pipeline.emulator.catalogue_s2 import DW_BANDS, cloudy_pct, dw_of, find_s2, search_s2
from pipeline.emulator.cities import cities
from pipeline.emulator.clouds import Sky, sky
from pipeline.emulator.coast import coast
from pipeline.emulator.frame import Frame
from pipeline.emulator.listed import Listed
from pipeline.emulator.noise import key
from pipeline.emulator.scene import DW_COLLECTION, S1_COLLECTION, S2_COLLECTION, BandBlock, EmulatedScene
from pipeline.emulator.texture import Texture, crop_window, texture
from pipeline.emulator.tiles import tiles_over
from pipeline.emulator.truth import Ground, cover_at, ground
from pipeline.emulator.view import View
from pipeline.schema.grid import PixelGrid, transformer

GROUND_M: Final = 10.0
"""The ground is drawn at this sampling; coarser bands are averages of it."""
KEPT_WINDOWS: Final = 12
"""Windows of ground kept for the next sensor or season, about 10 MB each at patch size."""
SURPLUS_PX: Final = 20
"""Pixels drawn beyond a window, so that the same place's coarser bands and margins find them there."""
OUTLINE_CACHE: Final = 4096
CLOUD_FROM: Final = 0.5
"""Opacity from which a pixel counts as cloud, as CLOUDY_PIXEL_PERCENTAGE does (pipeline/emulator/clouds.py)."""


class Planet:
    """A world of Sentinel-1, Sentinel-2 and Dynamic World scenes. Safe for use by several threads."""

    def __init__(self, seed: int, locations: Path | None = None) -> None:
        """The planet of a seed; `locations` adds scenes at the real places and times of a GeoParquet list.

        Reads the coast and the cities once (a few seconds). Raises UsageError for an unusable list.
        """
        self.seed = seed
        coast()
        cities()
        self._listed = None if locations is None else Listed(seed, locations)
        self._lock = threading.Lock()
        self._windows: OrderedDict[PixelGrid, tuple[Ground, Texture]] = OrderedDict()

    def search(self, collection: str, region: Polygon, start: datetime, end: datetime) -> list[EmulatedScene]:
        """Scenes whose footprint meets `region` (degrees) in [start, end), by time, then index.

        An unknown collection has no scenes.
        """
        start, end = _utc(start), _utc(end)
        if collection == S1_COLLECTION:
            found = search_s1(self.seed, region, start, end)
        elif collection == S2_COLLECTION:
            found = self._search_s2(region, start, end)
        elif collection == DW_COLLECTION:
            made = (dw_of(self.seed, scene) for scene in self._search_s2(region, start, end))
            found = [scene for scene in made if scene is not None]
        else:
            found = []
        return sorted(found, key=lambda scene: (scene.time, scene.index))

    def _search_s2(self, region: Polygon, start: datetime, end: datetime) -> list[EmulatedScene]:
        found = search_s2(self.seed, region, start, end)
        if self._listed is None:
            return found
        found = [scene for scene in found if not self._listed.replaces(scene)]
        return found + self._listed.search(region, start, end, [tile.name for tile in tiles_over(region)])

    def scene(self, asset_id: str) -> EmulatedScene | None:
        """The scene of a full asset id, or None."""
        collection, _, index = asset_id.rpartition("/")
        if collection == S1_COLLECTION:
            return find_s1(self.seed, index)
        if collection not in (S2_COLLECTION, DW_COLLECTION):
            return None
        found = self._listed.find(index) if self._listed is not None else None
        if found is None:
            found = find_s2(self.seed, index)
            if found is not None and self._listed is not None and self._listed.replaces(found):
                found = None
        if found is None or collection == S2_COLLECTION:
            return found
        return dw_of(self.seed, found)

    def read(self, scene: EmulatedScene, bands: Sequence[str], window: PixelGrid) -> dict[str, BandBlock]:
        """Bands of one native pixel size on a window aligned to their native grid, in the scene's own zone.

        Raises ValueError for bands that the scene has not, or a window off their grid.
        """
        _check_window(scene, bands, window)
        valid = inside(scene, window)
        if scene.collection == S1_COLLECTION:
            land, look = self._land(_widened(window, 1))
            up = ascending(scene)
            values = radar.render(land, look, View.of(self.seed, scene), up, bands, window)
        elif scene.collection == S2_COLLECTION:
            land, look = self._land(_widened(window, 1))
            over = self._sky(scene, land.frame)
            values = optical.render(land, look, View.of(self.seed, scene), over, bands, window)
        else:
            return self._read_labels(scene, bands, window, valid)
        return {
            band: BandBlock(np.where(valid, values[band], np.float32(0.0)).astype(np.float32), valid) for band in bands
        }

    def _read_labels(
        self, scene: EmulatedScene, bands: Sequence[str], window: PixelGrid, valid: NDArray[np.bool_]
    ) -> dict[str, BandBlock]:
        land, look = self._land(_widened(window, annotator.MARGIN_PX))
        chances = annotator.annotate(self.seed, land, look, View.of(self.seed, scene))
        source = self.scene(f"{S2_COLLECTION}/{scene.index}")
        if source is None:
            raise ValueError(f"{scene.asset_id} belongs to no Sentinel-2 scene of this planet")
        above = self._sky(source, land.frame)
        inner = slice(annotator.MARGIN_PX, -annotator.MARGIN_PX)
        hidden = np.maximum(land.frame.lift(above.opacity), land.frame.lift(above.shadow))[inner, inner]
        labelled = valid & (hidden < annotator.CLOUD_MASK)
        blocks = {}
        for band in bands:
            number = DW_BANDS.index(band)
            values = np.argmax(chances, axis=0) if band == "label" else chances[number]
            blocks[band] = BandBlock(np.where(labelled, values, 0).astype(np.float32), labelled)
        return blocks

    def truth(self, grid: PixelGrid, time: datetime) -> NDArray[np.uint8]:
        """The true land cover, classes 0..8, (height, width), of any grid. For diagnostics only."""
        return cover_at(ground(self.seed, grid), _utc(time))

    def clouded(self, scene: EmulatedScene, grid: PixelGrid) -> NDArray[np.bool_]:
        """Where clouds hide the ground in a Sentinel-2 scene, (height, width) of a grid in its zone."""
        frame = Frame.of(grid)
        return np.asarray(frame.lift(self._sky(scene, frame).opacity) >= CLOUD_FROM, dtype=np.bool_)

    def _sky(self, scene: EmulatedScene, frame: Frame) -> Sky:
        sun = View.of(self.seed, scene).sun
        return sky(key(self.seed, "clouds", scene.index), frame, scene.grid, cloudy_pct(scene), sun)

    def _land(self, grid: PixelGrid) -> tuple[Ground, Texture]:
        """Ground and texture of a window, from a kept window that holds it where there is one."""
        with self._lock:
            held = next((kept for kept in reversed(self._windows) if _holds(kept, grid)), None)
            if held is not None:
                self._windows.move_to_end(held)
                land, look = self._windows[held]
        if held is None:
            held = _widened(grid, SURPLUS_PX)
            land = ground(self.seed, held)
            look = texture(self.seed, land)
            with self._lock:
                self._windows[held] = (land, look)
                while len(self._windows) > KEPT_WINDOWS:
                    self._windows.popitem(last=False)
        return crop_window(land, look, grid)


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _check_window(scene: EmulatedScene, bands: Sequence[str], window: PixelGrid) -> None:
    unknown = [band for band in bands if band not in scene.bands]
    if unknown:
        raise ValueError(f"{scene.asset_id} has no bands {unknown}; it has {list(scene.bands)}")
    sizes = {scene.bands[band] for band in bands}
    if sizes != {window.pixel_m}:
        raise ValueError(f"a window of {window.pixel_m} m pixels was asked of bands of {sorted(sizes)} m")
    if window.epsg != scene.grid.epsg:
        raise ValueError(f"the window is in EPSG:{window.epsg}, the scene in EPSG:{scene.grid.epsg}")
    off_x = (window.left_m - scene.grid.left_m) % window.pixel_m
    off_y = (scene.grid.top_m - window.top_m) % window.pixel_m
    if off_x or off_y:
        raise ValueError(f"the window's corner lies ({off_x}, {off_y}) m off the band's {window.pixel_m} m grid")


def _widened(grid: PixelGrid, margin_px: int) -> PixelGrid:
    """The window at GROUND_M with a margin of that many such pixels on every side."""
    factor = round(grid.pixel_m / GROUND_M)
    return PixelGrid(
        grid.epsg, grid.left_m - margin_px * GROUND_M, grid.top_m + margin_px * GROUND_M,
        grid.width_px * factor + 2 * margin_px, grid.height_px * factor + 2 * margin_px, GROUND_M,
    )  # fmt: skip


def _holds(outer: PixelGrid, inner: PixelGrid) -> bool:
    if outer.epsg != inner.epsg:
        return False
    a, b = outer.bounds_m, inner.bounds_m
    return a[0] <= b[0] and a[1] <= b[1] and a[2] >= b[2] and a[3] >= b[3]


@lru_cache(maxsize=OUTLINE_CACHE)
def outline_m(footprint: Polygon, epsg: int) -> Polygon:
    """A footprint in a zone's metres."""
    lon, lat = shapely.get_coordinates(footprint.exterior).T
    x, y = transformer(4326, epsg).transform(lon, lat)
    outline = Polygon(list(zip(x, y, strict=True)))
    shapely.prepare(outline)
    return outline


def inside(scene: EmulatedScene, window: PixelGrid) -> NDArray[np.bool_]:
    """Which pixels' centres lie in the scene's footprint."""
    outline = outline_m(scene.footprint, scene.grid.epsg)
    if outline.contains(box(*window.bounds_m)):
        return np.ones((window.height_px, window.width_px), dtype=np.bool_)
    x, y = np.meshgrid(*window.centres_m())
    return np.asarray(shapely.contains_xy(outline, x, y), dtype=np.bool_)
