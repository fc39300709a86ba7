"""Collection.*, AggregateFeatureCollection.* and the collections of images."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import shapely

from pipeline.emulator import catalogue
from pipeline.emulator.coerce import Misfit, collection_of
from pipeline.emulator.encode import encoded
from pipeline.emulator.functions_geometry import box
from pipeline.emulator.predicates import plain
from pipeline.emulator.registry import serves
from pipeline.emulator.replies import RequestError
from pipeline.emulator.scene import World
from pipeline.emulator.values import (
    Algorithm,
    Collection,
    Element,
    Feature,
    Filter,
    Geo,
    Group,
    Image,
    Listed,
    indexed,
)


def sorted_by(items: Sequence[Element], key: str, ascending: bool) -> list[Element]:
    """Stable sort by a property; elements without it come last either way (the real order is unverified)."""
    having = [e for e in items if e.get(key) is not None]
    values = [plain(e.get(key)) for e in having]
    kinds = {isinstance(v, str) for v in values}
    if len(kinds) > 1 or not all(isinstance(v, str | int | float) for v in values):
        raise RequestError(f"Collection.limit: the property '{key}' does not sort: it is neither text nor a number.")
    order = sorted(range(len(having)), key=values.__getitem__, reverse=not ascending)
    return [having[i] for i in order] + [e for e in items if e.get(key) is None]


@serves("Collection")
def collection(features: list[Element]) -> Listed:
    """A table of the features, with ids '0', '1', ..."""
    return indexed(features, of_images=False)


@serves("ImageCollection.load", wants_world=True)
def load(world: World, asset_id: str, _version: int | None) -> Collection:
    """A catalogue collection, listed later."""
    return catalogue.load(world, asset_id)


@serves("ImageCollection.fromImages")
def from_images(images: list[Image]) -> Listed:
    """A collection of the images, with ids '0', '1', ..."""
    return indexed(images, of_images=True)


@serves("Collection.filter")
def filter_(items: Collection, condition: Any) -> Collection:
    """Those that pass."""
    if not isinstance(condition, Filter):
        raise RequestError("Collection.filter: this emulator takes Filter objects, no text.")
    return items.filtered(condition)


@serves("Collection.limit")
def limit(items: Collection, count: int | None, key: str | None, ascending: bool) -> Listed:
    """The first elements, sorted before where a key is given."""
    elements = items.elements()
    ordered = elements if key is None else sorted_by(elements, key, ascending)
    return Listed(tuple(ordered[:count]), items.of_images)


@serves("Collection.size")
def size(items: Collection) -> int:
    """How many."""
    return len(items.elements())


@serves("Collection.first")
def first(items: Collection) -> Element | None:
    """The first element, or null."""
    return next(iter(items.elements()), None)


@serves("Collection.toList")
def to_list(items: Collection, count: int, offset: int) -> list[Any]:
    """Elements as a list."""
    return [e.collection if isinstance(e, Group) else e for e in items.elements()[offset : offset + count]]


@serves("Collection.map")
def map_(items: Collection, algorithm: Algorithm, drop_nulls: bool) -> Listed:
    """The function's results, each under its source element's id."""
    results = []
    for element in items.elements():
        result = algorithm(element.collection if isinstance(element, Group) else element)
        if isinstance(result, Collection):
            result = Group(collection=result)
        if isinstance(result, Element):
            results.append(result.with_index(element.index))
        elif result is not None or not drop_nulls:
            raise RequestError("Collection.map: A mapped algorithm must return a Feature or Image.")
    of_images = all(isinstance(r, Image) for r in results) if results else items.of_images
    return Listed(tuple(results), of_images)


@serves("Collection.iterate")
def iterate(items: Collection, algorithm: Algorithm, state: Any) -> Any:
    """Fold the function over the elements."""
    for element in items.elements():
        state = algorithm(element, state)
    return state


@serves("Collection.merge", "ImageCollection.merge")
def merge(one: Collection, two: Collection) -> Listed:
    """Both, ids prefixed with '1_' and '2_'."""
    named = [e.with_index(f"{n}_{e.index}") for n, c in ((1, one), (2, two)) for e in c.elements()]
    return Listed(tuple(named), one.of_images and two.of_images)


@serves("Collection.flatten")
def flatten(items: Collection) -> Listed:
    """The elements of the collections in a collection, ids joined with '_'."""
    flat = tuple(_inner(items))
    return Listed(flat, bool(flat) and all(isinstance(e, Image) for e in flat))


def _inner(items: Collection) -> Iterator[Element]:
    for outer in items.elements():
        try:
            inner = collection_of(outer)
        except Misfit:
            raise RequestError("Collection.flatten: an element is not a collection.") from None
        for element in inner.elements():
            yield element.with_index(f"{outer.index}_{element.index}")


@serves("Collection.distinct")
def distinct(items: Collection, properties: Any) -> Listed:
    """The first element of each combination of the properties' values."""
    names = [properties] if isinstance(properties, str) else list(properties)
    seen: dict[str, Element] = {}
    for element in items.elements():
        seen.setdefault(json.dumps([encoded(element.get(n)) for n in names], sort_keys=True), element)
    return Listed(tuple(seen.values()), items.of_images)


def merged_geometry(items: Collection) -> Geo:
    """The union of all geometries in degrees."""
    shapes = [e.geometry.lonlat for e in items.elements() if e.geometry is not None]
    return Geo(shapely.union_all(shapes))


@serves("Collection.geometry")
def geometry(items: Collection, _max_error: Any) -> Geo:
    """All geometries as one."""
    return merged_geometry(items)


@serves("Collection.bounds")
def bounds(items: Collection, _max_error: Any, proj: Any) -> Geo:
    """The bounding box of all geometries."""
    return Geo(box(*merged_geometry(items).to(proj.crs).shape.bounds), proj.crs, geodesic=False)


def values_of(items: Collection, name: str) -> list[Any]:
    """The non-null values of a property: aggregations leave nulls out."""
    return [v for v in (e.get(name) for e in items.elements()) if v is not None]


@serves("AggregateFeatureCollection.array")
def aggregate_array(items: Collection, name: str) -> list[Any]:
    """The property's values, nulls left out."""
    return values_of(items, name)


@serves("AggregateFeatureCollection.count")
def aggregate_count(items: Collection, name: str) -> int:
    """How many have the property."""
    return len(values_of(items, name))


@serves("AggregateFeatureCollection.count_distinct")
def aggregate_count_distinct(items: Collection, name: str) -> int:
    """How many values the property has."""
    return len({json.dumps(encoded(v), sort_keys=True) for v in values_of(items, name)})


@serves("AggregateFeatureCollection.first")
def aggregate_first(items: Collection, name: str) -> Any:
    """The property of the first element."""
    return next((e.get(name) for e in items.elements()), None)


def _extreme(pick: Callable[[list[Any]], Any]) -> Callable[[Collection, str], Any]:
    def aggregate(items: Collection, name: str) -> Any:
        values = [plain(v) for v in values_of(items, name)]
        return pick(values) if values else None

    return aggregate


serves("AggregateFeatureCollection.min")(_extreme(min))
serves("AggregateFeatureCollection.max")(_extreme(max))
serves("AggregateFeatureCollection.sum")(_extreme(sum))
serves("AggregateFeatureCollection.mean")(_extreme(lambda values: sum(values) / len(values)))


@serves("Feature")
def feature(shape: Geo | None, metadata: dict[str, Any], _key: str | None) -> Feature:
    """A geometry with properties."""
    return Feature(properties=metadata, geometry=shape)
