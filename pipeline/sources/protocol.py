"""What the stages ask of a source of scenes and pixels. The plan is pure; only a Source does I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pipeline.schema.errors import SourceError
from pipeline.schema.grid import PixelGrid
from pipeline.schema.records import Arrays, S1Scene, S2Scene, TimeWindow


@dataclass(frozen=True)
class SceneSlot:
    """One season of one location that wants scenes."""

    location_id: str
    season: int
    grid: PixelGrid
    """The patch; a scene qualifies only where its footprint contains it."""
    window: TimeWindow


@dataclass(frozen=True)
class SceneLimits:
    """What scenes qualify."""

    cloud_max_pct: float
    """Sentinel-2 scenes below this CLOUDY_PIXEL_PERCENTAGE, 0..100 (exclusive)."""
    max_candidates: int
    """At most this many scenes of each sensor a slot: S2 by increasing cloud, S1 nearest to the centre."""


@dataclass(frozen=True)
class SlotScenes:
    """The scenes that qualify for a slot, in no particular order."""

    location_id: str
    season: int
    s2: tuple[S2Scene, ...]
    s1: tuple[S1Scene, ...]
    failure: SourceError | None = None
    """Why this slot cannot be answered, even asked by itself; None where it was."""


@dataclass(frozen=True)
class LayerRequest:
    """Some bands of one scene, as they are to arrive."""

    asset_id: str
    bands: tuple[str, ...]
    """Bands to take, in order."""
    names: tuple[str, ...]
    """What each is called in the answer, unique within a request."""
    dtype: Literal["uint8", "uint16", "float32"]
    resampling: Literal["nearest", "bilinear"]
    """Bands on the grid's own pixels come through unchanged with either; categories take nearest."""
    fill: float
    """Value of masked pixels; must lie outside the range of a band, or of all the layer's bands together."""
    factor: float = 1.0
    """The server multiplies by this and rounds before the cast; 1 leaves values as they are."""


@dataclass(frozen=True)
class PixelRequest:
    """What one request asks for of one location: everything, or a piece of it."""

    location_id: str
    grid: PixelGrid
    layers: tuple[LayerRequest, ...]

    @property
    def bands(self) -> int:
        """Bands of the answer, to hold against the service's limit."""
        return sum(len(layer.names) for layer in self.layers)

    @property
    def uncompressed_bytes(self) -> int:
        """Size of the answer's pixels, to hold against the service's limit."""
        width = {"uint8": 1, "uint16": 2, "float32": 4}
        pixels = self.grid.width_px * self.grid.height_px
        return sum(pixels * width[layer.dtype] * len(layer.names) for layer in self.layers)


class Source(Protocol):
    """Where scenes and pixels come from. Methods raise SourceError, whose kind says what to do next."""

    def find_scenes(self, slots: Sequence[SceneSlot], limits: SceneLimits) -> list[SlotScenes]:
        """The qualifying scenes of every slot, in the order of the slots, in as few requests as can be."""
        ...

    def fetch_pixels(self, request: PixelRequest) -> Arrays:
        """One (height, width) array a layer name, in the layer's dtype, on the request's grid.

        Asked again in pieces where the service finds it too heavy; the arrays are the same.
        """
        ...
