"""The values that an expression computes with, besides plain JSON ones."""

import dataclasses
import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from pipeline.emulator.lattice import WGS84, crs_transformer
from pipeline.emulator.nodes import Band

Algorithm = Callable[..., Any]
"""A function of the expression, called with positional values."""


@dataclass(frozen=True)
class Moment:
    """A Date: milliseconds since 1970-01-01T00:00:00Z."""

    ms: float

    @property
    def utc(self) -> datetime:
        """The same instant as an aware datetime."""
        return datetime.fromtimestamp(self.ms / 1000.0, UTC)


@dataclass(frozen=True)
class DateSpan:
    """A DateRange, [start, end), in milliseconds; infinite where unbounded."""

    start_ms: float
    end_ms: float


@dataclass(frozen=True)
class Geo:
    """A geometry in its own coordinate system; edges are straight there, whatever `geodesic` says.

    Earth Engine bends geodesic edges along the sphere; over a patch the difference is below a metre.
    """

    shape: BaseGeometry
    crs: str = WGS84
    geodesic: bool = True

    def to(self, crs: str) -> "Geo":
        """The geometry with its vertices in another coordinate system."""
        if crs == self.crs:
            return self
        move = crs_transformer(self.crs, crs).transform
        moved = shapely.transform(self.shape, move, interleaved=False)
        return Geo(moved, crs, geodesic=False)

    @functools.cached_property
    def lonlat(self) -> BaseGeometry:
        """The shape in degrees (lon, lat)."""
        return self.to(WGS84).shape


@dataclass(frozen=True)
class Element:
    """What Features and Images have in common."""

    properties: Mapping[str, Any] = field(default_factory=dict)
    """User and system:* properties, without system:index."""
    index: str | None = None
    """system:index: the id within a collection."""
    geometry: Geo | None = None
    """None where there is none (Feature) or it is unbounded (Image)."""

    def get(self, name: str) -> Any:
        """A property, '.geo' or '.all' for the geometry, or None where there is none."""
        if name in (".geo", ".all"):
            return self.geometry
        return self.index if name == "system:index" else self.properties.get(name)

    def with_properties(self, changes: Mapping[str, Any]) -> "Element":
        """A copy with properties replaced; 'system:index' sets the index."""
        rest = {key: value for key, value in changes.items() if key != "system:index"}
        index = changes.get("system:index", self.index)
        return dataclasses.replace(self, properties={**self.properties, **rest}, index=index)

    def with_index(self, index: str | None) -> "Element":
        """A copy with another id within its collection."""
        return dataclasses.replace(self, index=index)


@dataclass(frozen=True)
class Feature(Element):
    """A geometry with properties."""


@dataclass(frozen=True)
class Image(Element):
    """Bands that are evaluated only where pixels are asked for."""

    bands: Sequence[Band] = ()
    asset_id: str | None = None

    def get(self, name: str) -> Any:
        """As of any element; 'id' and 'system:id' give the asset id."""
        return self.asset_id if name in ("id", "system:id") else super().get(name)

    def with_bands(self, bands: Sequence[Band]) -> "Image":
        """A copy with other bands."""
        return dataclasses.replace(self, bands=tuple(bands))


@dataclass(frozen=True)
class Group(Element):
    """A collection as an element of another, until Collection.flatten."""

    collection: Any = None


class Filter(ABC):
    """A test of one element, or of a pair in a join."""

    @abstractmethod
    def passes(self, left: Element, right: Element | None = None) -> bool:
        """Whether the element, or the pair, passes; left fields are read off `left`."""

    def measure(self, _left: Element, _right: Element) -> float | None:
        """The join measure; None, as most filters have none."""
        return None


class Reducer(ABC):
    """An aggregation of rows."""

    @abstractmethod
    def width(self) -> int:
        """Columns of a row."""

    @abstractmethod
    def reduce(self, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """The outputs by name; None stands for null."""


class Join(ABC):
    """A way to build results from matches."""

    @abstractmethod
    def join(self, primary: Element, matches: Sequence[tuple[Element, float | None]]) -> Sequence[Element]:
        """Results of one primary element; matches are (secondary element, measure) in collection order."""


class Collection(ABC):
    """A collection of elements, listed only when that is needed."""

    of_images: bool
    """Whether it is an ImageCollection."""

    @abstractmethod
    def elements(self) -> Sequence[Element]:
        """All elements, in order; RequestError where the collection cannot be listed."""

    @abstractmethod
    def filtered(self, condition: Filter) -> "Collection":
        """The collection of those that pass."""


@dataclass(frozen=True)
class Listed(Collection):
    """A collection whose elements are known."""

    items: tuple[Element, ...]
    of_images: bool

    def elements(self) -> Sequence[Element]:
        """The elements."""
        return self.items

    def filtered(self, condition: Filter) -> "Listed":
        """Those that pass, now."""
        return Listed(tuple(e for e in self.items if condition.passes(e)), self.of_images)


def indexed(items: Sequence[Element], of_images: bool, keep: bool = False) -> Listed:
    """A collection of `items` with ids '0', '1', ...; existing ids stay where `keep`."""
    named = (e if keep and e.index is not None else e.with_index(str(i)) for i, e in enumerate(items))
    return Listed(tuple(named), of_images)
