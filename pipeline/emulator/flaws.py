"""What is wrong with some scenes on purpose, for tests of the quality stage: which, how, and what it looks like."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon, box

from pipeline.emulator.noise import hashed, key, unit, units
from pipeline.emulator.planet import outline_m
from pipeline.emulator.rates import parse_rates
from pipeline.emulator.scene import S1_COLLECTION, S2_COLLECTION, BandBlock, EmulatedScene, TrueWorld
from pipeline.emulator.view import pixel_bits
from pipeline.schema.grid import PixelGrid


class FlawKind(StrEnum):
    """What is wrong with a scene."""

    OFFSET = "offset"
    """Sentinel-2: every value is 1000 too high, as where the harmonisation of baseline 04.00 was left out."""
    BORDER = "border"
    """Sentinel-1: border noise, a ragged strip of very low backscatter inside the edge of the slice."""
    SHIFT = "shift"
    """Sentinel-1: the image lies 1 to 3 pixels beside its place."""


OFFSET_DN: Final = 1000.0
"""RADIO_ADD_OFFSET of baseline 04.00, with the sign of what harmonisation takes away (ESA, baseline 04.00)."""
MAX_DN: Final = 65_535.0
BORDER_M: Final = (3_000.0, 15_000.0)
"""Width of the strip, from scene to scene; the real one seldom reaches 5 km, and would meet few patches."""
RAGGED_M: Final = 600.0
"""The strip's inner edge comes and goes by so much, in blocks of RAGGED_PX."""
RAGGED_PX: Final = 32
BORDER_DB: Final = (-60.0, -35.0)
SHIFT_PX: Final = 3

Flaws = tuple[tuple[FlawKind, float], ...]
"""(kind, share of the scenes it can befall, 0..1); the kinds strike independently."""


def parse_flaws(spec: str) -> Flaws:
    """Read 'offset:0.05,shift:0.02'; an empty spec means no flaws. UsageError says what is accepted."""
    return tuple(sorted(parse_rates(spec, FlawKind, "flaw", "offset:0.05,shift:0.02").items()))


@dataclass(frozen=True)
class SceneFlaws:
    """What is wrong with one scene."""

    offset: bool = False
    border_m: float = 0.0
    """Width of the strip of border noise, metres; 0 for none."""
    shift_px: tuple[int, int] = (0, 0)
    """Columns to the east and rows to the south by which the image is displaced."""

    def as_json(self) -> dict[str, Any]:
        """What is wrong, and nothing else: {"offset": true}, {"border_m": ...}, {"shift_px": [columns, rows]}."""
        told: dict[str, Any] = {"offset": True} if self.offset else {}
        if self.border_m:
            told["border_m"] = self.border_m
        if any(self.shift_px):
            told["shift_px"] = list(self.shift_px)
        return told


def flaws_of(seed: int, flaws: Flaws, asset_id: str) -> SceneFlaws:
    """What is wrong with the scene of that asset id: a pure function, whether there is such a scene or not."""
    collection, _, index = asset_id.rpartition("/")
    struck = {kind for kind, share in flaws if unit(key(seed, "flaw", kind, index)) < share}
    if collection == S2_COLLECTION:
        return SceneFlaws(offset=FlawKind.OFFSET in struck)
    if collection != S1_COLLECTION:
        return SceneFlaws()
    width = BORDER_M[0] + (BORDER_M[1] - BORDER_M[0]) * unit(key(seed, "border", index))
    return SceneFlaws(
        border_m=round(width, 1) if FlawKind.BORDER in struck else 0.0,
        shift_px=_shift(key(seed, "shift", index)) if FlawKind.SHIFT in struck else (0, 0),
    )


def _shift(key_: int) -> tuple[int, int]:
    """One of the 48 displacements by up to SHIFT_PX along either axis, not nought along both."""
    side = 2 * SHIFT_PX + 1
    place = int(unit(key_) * (side * side - 1))
    place += place >= (side * side) // 2
    return place % side - SHIFT_PX, place // side - SHIFT_PX


class Flawed:
    """A world some of whose scenes have something wrong with them."""

    def __init__(self, world: TrueWorld, seed: int, flaws: Flaws) -> None:
        self._world = world
        self._seed = seed
        self._flaws = flaws

    def search(self, collection: str, region: Polygon, start: datetime, end: datetime) -> list[EmulatedScene]:
        """As the world's."""
        return self._world.search(collection, region, start, end)

    def scene(self, asset_id: str) -> EmulatedScene | None:
        """As the world's."""
        return self._world.scene(asset_id)

    def truth(self, grid: PixelGrid, time: datetime) -> NDArray[np.uint8]:
        """As the world's."""
        return self._world.truth(grid, time)

    def read(self, scene: EmulatedScene, bands: Sequence[str], window: PixelGrid) -> dict[str, BandBlock]:
        """The world's pixels, with what is wrong with the scene."""
        wrong = flaws_of(self._seed, self._flaws, scene.asset_id)
        east, south = wrong.shift_px
        left, top = window.left_m - east * window.pixel_m, window.top_m + south * window.pixel_m
        taken = PixelGrid(window.epsg, left, top, window.width_px, window.height_px, window.pixel_m)
        blocks = self._world.read(scene, bands, taken)
        if wrong.offset:
            return {name: _raised(block) for name, block in blocks.items()}
        strip = _strip(self._seed, scene, window, wrong.border_m) if wrong.border_m else None
        if strip is None:
            return blocks
        return {name: self._noisy(scene, name, block, window, strip) for name, block in blocks.items()}

    def _noisy(
        self, scene: EmulatedScene, band: str, block: BandBlock, window: PixelGrid, strip: NDArray[np.bool_]
    ) -> BandBlock:
        low, high = BORDER_DB
        bits = pixel_bits(key(self._seed, "border-noise", band, scene.index), window)
        noise = np.float32(low) + np.float32(high - low) * units(bits)
        return BandBlock(np.where(strip & block.valid, noise, block.values), block.valid)


def _raised(block: BandBlock) -> BandBlock:
    values = np.minimum(block.values + np.float32(OFFSET_DN), np.float32(MAX_DN))
    return BandBlock(np.where(block.valid, values, block.values), block.valid)


def _strip(seed: int, scene: EmulatedScene, window: PixelGrid, width_m: float) -> NDArray[np.bool_] | None:
    """Which pixels lie in the strip, or None where none does."""
    edge = outline_m(scene.footprint, scene.grid.epsg).exterior
    if shapely.distance(edge, box(*window.bounds_m)) > width_m:
        return None
    x, y = window.centres_m()
    size = RAGGED_PX * window.pixel_m
    column, row = np.floor(x / size).astype(np.int64), np.floor(y / size).astype(np.int64)
    ragged = units(hashed(key(seed, "border-edge", scene.index), column[None, :], row[:, None]))
    xx, yy = np.meshgrid(x, y)
    near = shapely.distance(shapely.points(xx, yy), edge)
    return np.asarray(near < width_m - RAGGED_M * ragged)
