"""Point targets at known places: what shows whether Sentinel-1, Sentinel-2 and labels lie on one grid.

A target fills one pixel of its own UTM zone's 10 m lattice, on which patches and Sentinel-2 tiles lie: the pixel that
holds the named point. In a scene of another zone, which has a lattice of its own, it fills the native pixel that
holds the centre of that pixel.
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from shapely import Polygon

from pipeline.emulator.catalogue_s2 import DW_BANDS
from pipeline.emulator.planet import inside
from pipeline.emulator.scene import DW_COLLECTION, S1_COLLECTION, BandBlock, EmulatedScene, TrueWorld
from pipeline.emulator.truth import BUILT
from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PixelGrid, patch_grid, transformer

SATURATED_DN: Final = 65_535.0
"""Special value of saturated pixels in Sentinel-2 L1C (Product Specification Document, SPECIAL_VALUE_INDEX)."""

REFLECTOR_DB: Final = 25.0
"""Backscatter of a trihedral corner reflector in VV and, as if it were tilted, VH."""

CERTAIN: Final = 0.92
"""Dynamic World's probability of its label there; the other eight share the rest."""


@dataclass(frozen=True)
class Target:
    """A point target."""

    lon_deg: float
    lat_deg: float

    @functools.cached_property
    def pixel(self) -> PixelGrid:
        """The one pixel that it fills, in its own zone."""
        return patch_grid(self.lon_deg, self.lat_deg, size_px=1)


@functools.lru_cache(maxsize=4096)
def place_m(target: Target, epsg: int) -> tuple[float, float]:
    """Easting and northing of the centre of a target's pixel in a zone, metres; not finite far from that zone."""
    (x,), (y,) = target.pixel.centres_m()
    if epsg == target.pixel.epsg:
        return float(x), float(y)
    easting, northing = transformer(target.pixel.epsg, epsg).transform(x, y)
    return float(easting), float(northing)


def parse_targets(spec: str) -> tuple[Target, ...]:
    """Read 'lon,lat;lon,lat', or a file with one 'lon,lat' a line; an empty spec means no targets.

    Raises UsageError for anything else, or a place outside Sentinel-2's range.
    """
    text = spec.strip()
    if text and not any(mark in text for mark in ",;"):
        try:
            text = Path(text).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"targets '{spec}': neither 'lon,lat;lon,lat' nor a file with such lines; give one"
            ) from error
    return tuple(_target(item) for item in text.replace("\n", ";").split(";") if item.strip())


def _target(item: str) -> Target:
    try:
        lon, lat = (float(part) for part in item.split(","))
        target = Target(lon, lat)
        assert target.pixel.width_px == 1
    except ValueError as error:
        raise UsageError(f"target '{item.strip()}' is not understood; give longitude,latitude in degrees") from error
    return target


def targets_text(targets: Sequence[Target]) -> str:
    """The targets in the form that `parse_targets` reads."""
    return ";".join(f"{target.lon_deg!r},{target.lat_deg!r}" for target in targets)


class Planted:
    """A world with targets in every scene that sees their place.

    All bands of Sentinel-2 are saturated in the native pixel that holds the target: a target of 10 m fills the pixels
    of 20 m and 60 m about it, too. Clouds do not hide it, and it has a label wherever the scene is.
    """

    def __init__(self, world: TrueWorld, targets: Sequence[Target]) -> None:
        self._world = world
        self._targets = tuple(targets)

    def search(self, collection: str, region: Polygon, start: datetime, end: datetime) -> list[EmulatedScene]:
        """As the world's."""
        return self._world.search(collection, region, start, end)

    def scene(self, asset_id: str) -> EmulatedScene | None:
        """As the world's."""
        return self._world.scene(asset_id)

    def read(self, scene: EmulatedScene, bands: Sequence[str], window: PixelGrid) -> dict[str, BandBlock]:
        """The world's pixels with the targets in them, inside the scene's footprint."""
        blocks = self._world.read(scene, bands, window)
        for row, column in self._within(window):
            if inside(scene, _pixel(window, row, column)).all():
                for band in bands:
                    blocks[band].values[row, column] = _shown(scene.collection, band)
                    blocks[band].valid[row, column] = True
        return blocks

    def truth(self, grid: PixelGrid, time: datetime) -> NDArray[np.uint8]:
        """The world's truth, built where a target is."""
        cover = self._world.truth(grid, time)
        for row, column in self._within(grid):
            cover[row, column] = BUILT
        return cover

    def _within(self, window: PixelGrid) -> Iterator[tuple[int, int]]:
        """(row, column) of the targets that a window holds."""
        for target in self._targets:
            x, y = place_m(target, window.epsg)
            left, bottom, right, top = window.bounds_m
            if left <= x < right and bottom < y <= top:
                yield int((top - y) // window.pixel_m), int((x - left) // window.pixel_m)


def _pixel(window: PixelGrid, row: int, column: int) -> PixelGrid:
    size = window.pixel_m
    return PixelGrid(window.epsg, window.left_m + column * size, window.top_m - row * size, 1, 1, size)


def _shown(collection: str, band: str) -> float:
    """A target's value in a band."""
    if collection == S1_COLLECTION:
        return REFLECTOR_DB
    if collection != DW_COLLECTION:
        return SATURATED_DN
    if band == DW_BANDS[-1]:
        return float(BUILT)
    return CERTAIN if band == DW_BANDS[BUILT] else (1.0 - CERTAIN) / 8
