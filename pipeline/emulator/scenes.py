"""Scenes of the planet as images."""

import functools
from collections.abc import Sequence
from datetime import datetime
from typing import overload

from shapely import LinearRing

from pipeline.emulator.lattice import Projection
from pipeline.emulator.nodes import Band, Source
from pipeline.emulator.pixel_types import DOUBLE, FLOAT, UINT8, UINT16, PixelType
from pipeline.emulator.scene import DW_COLLECTION, S1_COLLECTION, S2_COLLECTION, EmulatedScene
from pipeline.emulator.values import Geo, Image
from pipeline.schema.grid import PIXEL_M


def milliseconds(time: datetime) -> int:
    """Milliseconds since 1970-01-01T00:00:00Z."""
    return round(time.timestamp() * 1000)


def image_of(scene: EmulatedScene) -> Image:
    """The scene as Image.load would give it; system:footprint is a LinearRing, as in the catalogue."""
    properties = {
        **scene.properties,
        "system:time_start": milliseconds(scene.time),
        "system:footprint": Geo(LinearRing(scene.footprint.exterior)),
    }
    return Image(
        properties=properties,
        index=scene.index,
        geometry=Geo(scene.footprint),
        bands=_SceneBands(scene),
        asset_id=scene.asset_id,
    )


class _SceneBands(Sequence[Band]):
    """A scene's bands, made when first looked at: a search lists many scenes and looks at their properties only."""

    def __init__(self, scene: EmulatedScene) -> None:
        self._scene = scene

    @functools.cached_property
    def _made(self) -> tuple[Band, ...]:
        return scene_bands(self._scene)

    def __len__(self) -> int:
        return len(self._scene.bands)

    @overload
    def __getitem__(self, place: int) -> Band: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Band, ...]: ...

    def __getitem__(self, place: int | slice) -> Band | tuple[Band, ...]:
        return self._made[place]


def scene_bands(scene: EmulatedScene) -> tuple[Band, ...]:
    """The bands of a scene on their native lattices, in catalogue order."""
    grid = scene.grid
    lattices = {}
    for pixel_m in set(scene.bands.values()):
        projection = Projection(f"EPSG:{grid.epsg}", (pixel_m, 0.0, grid.left_m, 0.0, -pixel_m, grid.top_m))
        size = (int(grid.width_px * PIXEL_M // pixel_m), int(grid.height_px * PIXEL_M // pixel_m))
        lattices[pixel_m] = (projection, size)
    bands = []
    for name, pixel_m in scene.bands.items():
        projection, size = lattices[pixel_m]
        source = Source(scene, name, projection, *size)
        bands.append(Band(name, source, _pixel_type(scene.collection, name), projection, size))
    return tuple(bands)


def _pixel_type(collection: str, band: str) -> PixelType:
    """Types as the catalogue's pages give them: S2 uint16, S1 double, Dynamic World label byte."""
    if collection == S2_COLLECTION:
        return UINT16
    if collection == S1_COLLECTION:
        return DOUBLE
    return UINT8 if collection == DW_COLLECTION and band == "label" else FLOAT
