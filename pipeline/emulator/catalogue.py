"""Collections of the catalogue: filters gather until the scenes of a place and a time can be asked for."""

import dataclasses
import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from shapely import Polygon

from pipeline.emulator.predicates import OPPOSITES, AllOf, Comparison, Not, plain, shape_of
from pipeline.emulator.replies import RequestError
from pipeline.emulator.scene import DW_COLLECTION, S1_COLLECTION, S2_COLLECTION, World
from pipeline.emulator.scenes import image_of
from pipeline.emulator.values import Collection, DateSpan, Element, Filter, Image

COLLECTIONS: Final = (S2_COLLECTION, S1_COLLECTION, DW_COLLECTION)

POINT_MARGIN_DEG: Final = 1e-7
"""Half width of the square that stands for a point or a line in a search; about a centimetre."""

_GEOMETRY_FIELDS: Final = (".all", ".geo")


@dataclass(frozen=True, eq=False)
class Catalogue(Collection):
    """An ImageCollection.load with the filters applied to it so far."""

    world: World
    collection_id: str
    conditions: tuple[Filter, ...] = ()
    of_images: bool = True

    def filtered(self, condition: Filter) -> "Catalogue":
        """The same with one more filter, still unlisted."""
        return Catalogue(self.world, self.collection_id, (*self.conditions, condition))

    def elements(self) -> Sequence[Element]:
        """The images that pass all filters, by time and then index."""
        return self._images

    @functools.cached_property
    def _images(self) -> tuple[Image, ...]:
        comparisons = list(_comparisons(self.conditions))
        images = self._by_index(comparisons)
        if images is None:
            images = self._by_place_and_time(comparisons)
        return tuple(i for i in images if all(c.passes(i) for c in self.conditions))

    def _by_index(self, comparisons: Sequence[Comparison]) -> list[Image] | None:
        """The images that a filter on system:index names, or None without such a filter."""
        for c in comparisons:
            if c.test == "equals" and c.left_field == "system:index" and c.right_field is None:
                names = [c.right_value]
            elif c.test == "listContains" and c.right_field == "system:index" and c.left_field is None:
                names = list(c.left_value)
            else:
                continue
            scenes = [self.world.scene(f"{self.collection_id}/{name}") for name in names]
            found = (s for s in scenes if s is not None)
            return [image_of(s) for s in sorted(found, key=lambda s: (s.time, s.index))]
        return None

    def _by_place_and_time(self, comparisons: Sequence[Comparison]) -> list[Image]:
        region, (start, end) = _region(comparisons), _span_ms(comparisons)
        if region is None or math.isinf(start) or math.isinf(end):
            raise RequestError(
                "this emulator lists a collection only within a place and a time; add filterBounds and filterDate"
            )
        if start >= end:
            return []
        scenes = self.world.search(self.collection_id, region, _utc(start), _utc(end))
        return [image_of(scene) for scene in scenes]


def load(world: World, collection_id: str) -> Catalogue:
    """The collection of that id; RequestError where there is none."""
    if collection_id not in COLLECTIONS:
        raise RequestError(
            f"ImageCollection.load: ImageCollection asset '{collection_id}' not found "
            f"(does not exist or caller does not have access). This emulator has {', '.join(COLLECTIONS)}."
        )
    return Catalogue(world, collection_id)


def _comparisons(conditions: Sequence[Filter]) -> Iterator[Comparison]:
    """The comparisons that must all hold."""
    for condition in conditions:
        if isinstance(condition, AllOf):
            yield from _comparisons(condition.filters)
        elif isinstance(condition, Comparison):
            yield condition
        elif isinstance(condition, Not) and isinstance(condition.inner, Comparison):
            # The client writes 'at least' as 'not less than'.
            opposite = next((o for o, test in OPPOSITES.items() if test == condition.inner.test), None)
            if opposite is not None:
                yield dataclasses.replace(condition.inner, test=opposite)


def _region(comparisons: Sequence[Comparison]) -> Polygon | None:
    """A convex region that every match touches: the smallest that a filter gives."""
    regions = []
    for c in comparisons:
        value = None
        if c.test in ("intersects", "contains", "isContained"):
            if c.left_field in _GEOMETRY_FIELDS and c.right_field is None:
                value = c.right_value
            elif c.right_field in _GEOMETRY_FIELDS and c.left_field is None:
                value = c.left_value
        shape = shape_of(value)
        if shape is not None:
            hull = shape.convex_hull
            regions.append(hull if isinstance(hull, Polygon) else hull.buffer(POINT_MARGIN_DEG, cap_style="square"))
    return min(regions, key=lambda polygon: polygon.area, default=None)


def _span_ms(comparisons: Sequence[Comparison]) -> tuple[float, float]:
    """The interval [start, end) of system:time_start that the filters leave, milliseconds."""
    start, end = -math.inf, math.inf
    for c in comparisons:
        if c.test == "dateRangeContains" and c.right_field == "system:time_start":
            if isinstance(c.left_value, DateSpan):
                start, end = max(start, c.left_value.start_ms), min(end, c.left_value.end_ms)
        elif c.left_field == "system:time_start" and c.right_field is None:
            low, high = _half_line(c.test, plain(c.right_value))
            start, end = max(start, low), min(end, high)
    return start, end


def _half_line(test: str, bound: Any) -> tuple[float, float]:
    if not isinstance(bound, int | float):
        return -math.inf, math.inf
    if test.startswith("greaterThan"):
        return bound, math.inf
    if test.startswith("lessThan"):
        return -math.inf, bound + 1
    return (bound, bound + 1) if test == "equals" else (-math.inf, math.inf)


def _utc(ms: float) -> datetime:
    try:
        return datetime.fromtimestamp(ms / 1000.0, UTC)
    except (OverflowError, ValueError, OSError):
        raise RequestError(f"the date {ms:.0f} ms lies outside the years 1 to 9999") from None
