"""What the emulator's evaluator asks of its planet: scenes by place and time, and pixels on their own grids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from shapely import Polygon

from pipeline.schema.grid import PixelGrid

S2_COLLECTION: Final = "COPERNICUS/S2_HARMONIZED"
S1_COLLECTION: Final = "COPERNICUS/S1_GRD"
DW_COLLECTION: Final = "GOOGLE/DYNAMICWORLD/V1"


@dataclass(frozen=True)
class EmulatedScene:
    """One image of a collection."""

    collection: str
    index: str
    """system:index; the asset id is collection/index."""
    time: datetime
    """system:time_start, UTC."""
    footprint: Polygon
    """system:footprint, degrees (lon, lat)."""
    grid: PixelGrid
    """The scene's extent at 10 m in its own UTM zone."""
    properties: Mapping[str, str | int | float | list[str]]
    """Properties as the real catalogue names them, without the system: ones."""
    bands: Mapping[str, float]
    """Band name -> native pixel size in metres (10, 20 or 60), in catalogue order."""

    @property
    def asset_id(self) -> str:
        """The full asset id."""
        return f"{self.collection}/{self.index}"


@dataclass(frozen=True)
class BandBlock:
    """Pixels of one band on a window of its native grid."""

    values: NDArray[np.float32]
    """(height, width) in the band's unit."""
    valid: NDArray[np.bool_]
    """(height, width); False where Earth Engine would mask the pixel."""


class World(Protocol):
    """The planet as a catalogue of scenes. Every method is a pure function of the seed and its arguments."""

    def search(self, collection: str, region: Polygon, start: datetime, end: datetime) -> list[EmulatedScene]:
        """Scenes whose footprint intersects `region` (degrees) in [start, end), ordered by time then index."""
        ...

    def scene(self, asset_id: str) -> EmulatedScene | None:
        """The scene of that id, or None where there is none."""
        ...

    def read(self, scene: EmulatedScene, bands: Sequence[str], window: PixelGrid) -> dict[str, BandBlock]:
        """Bands of one native pixel size on a window aligned to their native grid, in the scene's own zone."""
        ...


class TrueWorld(World, Protocol):
    """A world that also knows the truth, for diagnostics."""

    def truth(self, grid: PixelGrid, time: datetime) -> NDArray[np.uint8]:
        """The true land cover, classes 0..8, (height, width), of any grid."""
        ...
