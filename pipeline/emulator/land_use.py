"""What the planet's OpenStreetMap says: land use in 13 classes, drawn from the true land, mostly right."""

from functools import lru_cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.emulator.cities import cities
from pipeline.emulator.coast import coast
from pipeline.emulator.frame import CIRCUMFERENCE_M, Frame, cell_count, purpose
from pipeline.emulator.noise import Coordinates, hashed, units
from pipeline.emulator.parcels import Parcels, parcels
from pipeline.emulator.truth import BARE, BUILT, CROPS, FLOODED, GRASS, SHRUB, TREES, WATER, Ground, ground
from pipeline.schema.grid import PixelGrid
from pipeline.schema.landcover import IGNORE, N_OSM_CLASSES

Codes = NDArray[np.uint8]
Quality = Literal["good", "empty", "wrong"]

CELL_M: Final = 25_000.0
"""Side of the squares within which people mapped alike, metres of the plane at the equator."""

EMPTY_SHARE: Final = 0.20
"""Share of the squares where nobody mapped anything."""

WRONG_SHARE: Final = 0.15
"""Share of the squares whose map is badly wrong."""

UNMAPPED: Final = {GRASS: 0.30, SHRUB: 0.35, BARE: 0.30, TREES: 0.10, CROPS: 0.10, FLOODED: 0.10}
"""Share of the parcels, by land cover, that nobody mapped in a good square."""

TOWN: Final = 0.5
"""Density of cities from which green land is a park's."""

MISTAKEN: Final = {1: 5, 2: 9, 3: 7, 4: 1, 5: 3, 6: 12, 7: 3, 8: 7, 9: 1, 10: 13, 11: 6, 12: 2, 13: 8}
"""What a class is mapped as in a wrong square: never one that admits the land cover it was drawn from."""

_BASIC: Final = {
    WATER: 7, TREES: 5, GRASS: 9, FLOODED: 12, CROPS: 3, SHRUB: 10, BUILT: 1, BARE: 8,
}  # fmt: skip


@lru_cache(maxsize=8)
def land_use(seed: int, grid: PixelGrid) -> Codes:
    """OSM classes 1..13, or IGNORE where nothing is mapped, (height, width), at the pixel centres of any UTM grid.

    A function of seed and place: two grids agree wherever their pixel centres do. Not to be written to.
    """
    land = ground(seed, grid)
    plots = parcels(seed, land.frame)
    codes = _drawn(seed, land, plots)
    left_out = units(plots.bits << np.uint64(20))
    share = np.zeros(9, dtype=np.float32)
    share[list(UNMAPPED)] = list(UNMAPPED.values())
    codes[left_out < share[land.cover]] = IGNORE
    luck = _luck(seed, land.frame.x, land.frame.y)
    mistaken = np.full(IGNORE + 1, IGNORE, dtype=np.uint8)
    mistaken[list(MISTAKEN)] = list(MISTAKEN.values())
    codes = np.where(luck < EMPTY_SHARE + WRONG_SHARE, mistaken[codes], codes)
    codes = np.where(luck < EMPTY_SHARE, np.uint8(IGNORE), codes)
    codes.setflags(write=False)
    return codes


def qualities(seed: int, grid: PixelGrid) -> frozenset[Quality]:
    """How the squares that a grid lies in were mapped: one, or several where it lies across their edges."""
    frame = Frame.of(grid)
    return frozenset(_quality(float(value)) for value in np.unique(_luck(seed, frame.x, frame.y)))


def _quality(luck: float) -> Quality:
    if luck < EMPTY_SHARE:
        return "empty"
    return "wrong" if luck < EMPTY_SHARE + WRONG_SHARE else "good"


def _luck(seed: int, x: Coordinates, y: Coordinates) -> NDArray[np.float32]:
    """0..1, equal within a square."""
    around = cell_count(CELL_M)
    cell = CIRCUMFERENCE_M / around
    column, row = np.floor(x / cell).astype(np.int64) % around, np.floor(y / cell).astype(np.int64)
    return units(hashed(purpose(seed, "mappers"), column, row))


def _drawn(seed: int, land: Ground, plots: Parcels) -> Codes:
    """Land cover as its use, before people left any of it out."""
    basic = np.zeros(9, dtype=np.uint8)
    basic[list(_BASIC)] = list(_BASIC.values())
    assert basic[:8].max() < N_OSM_CLASSES
    codes = basic[land.cover]
    frame, cover = land.frame, land.cover
    kind = units(plots.bits << np.uint64(12))
    town = frame.lift(cities().density(frame.node_lon, frame.node_lat)) > TOWN
    codes[(cover == BUILT) & (kind < 0.25)] = 2
    codes[town & np.isin(cover, (GRASS, TREES)) & (kind < 0.7)] = 4
    codes[(cover == BARE) & (kind < 0.25)] = 6
    codes[(cover == CROPS) & (kind < 0.12)] = 11
    wild = frame.lift(frame.slow(purpose(seed, "wild grass"), (3_000.0, 1_000.0))) > 0.6
    codes[(cover == GRASS) & ~town & wild] = 10
    near_sea = frame.lift(coast().land_share(frame.node_lon, frame.node_lat)) < 0.98
    codes[(cover == FLOODED) & near_sea] = 13
    return codes
