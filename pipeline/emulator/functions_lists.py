"""List.*."""

import math
import random
from typing import Any

from pipeline.emulator.coerce import Misfit, geometry_of, kind_of
from pipeline.emulator.predicates import plain
from pipeline.emulator.registry import serves
from pipeline.emulator.replies import RequestError
from pipeline.emulator.values import Algorithm, Element, Feature, Filter, Geo

Items = list[Any]


def _at(items: Items, index: int, function: str) -> int:
    """The index counted from the start; negative ones count from the end."""
    if not -len(items) <= index < len(items):
        raise RequestError(f"List.{function}: List index {index} is out of bounds for {len(items)} elements.")
    return index % len(items)


@serves("List.get")
def get(items: Items, index: int) -> Any:
    """One element."""
    return items[_at(items, index, "get")]


@serves("List.getNumber")
def get_number(items: Items, index: int) -> Any:
    """An element that must be a number."""
    return _typed(items[_at(items, index, "getNumber")], (int, float), "getNumber")


@serves("List.getString")
def get_string(items: Items, index: int) -> Any:
    """An element that must be text."""
    return _typed(items[_at(items, index, "getString")], (str,), "getString")


def _typed(value: Any, kinds: tuple[type[Any], ...], function: str) -> Any:
    if not isinstance(value, kinds):
        raise RequestError(f"List.{function}: the element is a {kind_of(value)}.")
    return value


@serves("List.getGeometry")
def get_geometry(items: Items, index: int) -> Geo:
    """An element that must be a geometry."""
    try:
        return geometry_of(items[_at(items, index, "getGeometry")])
    except Misfit:
        raise RequestError("List.getGeometry: the element is no geometry.") from None


@serves("List.add")
def add(items: Items, element: Any) -> Items:
    """With one more."""
    return [*items, element]


@serves("List.cat")
def cat(items: Items, other: Items) -> Items:
    """Both."""
    return [*items, *other]


@serves("List.insert")
def insert(items: Items, index: int, element: Any) -> Items:
    """With one more before an index."""
    where = index if index >= 0 else len(items) + index
    return [*items[:where], element, *items[where:]]


@serves("List.set")
def set_(items: Items, index: int, element: Any) -> Items:
    """With one replaced."""
    where = _at(items, index, "set")
    return [*items[:where], element, *items[where + 1 :]]


@serves("List.contains")
def contains(items: Items, element: Any) -> bool:
    """Whether it is there."""
    return element in items


@serves("List.containsAll")
def contains_all(items: Items, other: Items) -> bool:
    """Whether all are there."""
    return all(element in items for element in other)


@serves("List.equals")
def equals(items: Items, other: Items) -> bool:
    """Whether both are the same."""
    return items == other


@serves("List.size", "List.length")
def size(items: Items) -> int:
    """How many."""
    return len(items)


@serves("List.distinct")
def distinct(items: Items) -> Items:
    """Without repeats."""
    kept: Items = []
    for item in items:
        if item not in kept:
            kept.append(item)
    return kept


@serves("List.frequency")
def frequency(items: Items, element: Any) -> int:
    """How often it is there."""
    return items.count(element)


@serves("List.filter")
def filter_(items: Items, condition: Filter) -> Items:
    """Those that pass; a plain value is tested as the property 'item'."""
    return [i for i in items if condition.passes(i if isinstance(i, Element) else Feature({"item": i}))]


@serves("List.flatten")
def flatten(items: Items) -> Items:
    """Without nesting."""
    flat: Items = []
    for item in items:
        flat.extend(flatten(item) if isinstance(item, list) else [item])
    return flat


@serves("List.indexOf")
def index_of(items: Items, element: Any) -> int:
    """The first place of an element, or -1."""
    return items.index(element) if element in items else -1


def _places(items: Items, target: Items) -> list[int]:
    width = len(target)
    return [i for i in range(len(items) - width + 1) if items[i : i + width] == target]


@serves("List.indexOfSublist")
def index_of_sublist(items: Items, target: Items) -> int:
    """The first place of a run, or -1."""
    return next(iter(_places(items, target)), -1)


@serves("List.lastIndexOfSubList")
def last_index_of_sublist(items: Items, target: Items) -> int:
    """The last place of a run, or -1."""
    return next(reversed(_places(items, target)), -1)


@serves("List.map")
def map_(items: Items, algorithm: Algorithm, drop_nulls: bool) -> Items:
    """The function's results."""
    results = [algorithm(item) for item in items]
    return [r for r in results if r is not None] if drop_nulls else results


@serves("List.iterate")
def iterate(items: Items, algorithm: Algorithm, state: Any) -> Any:
    """Fold the function over the elements."""
    for item in items:
        state = algorithm(item, state)
    return state


@serves("List.join")
def join(items: Items, separator: str) -> str:
    """As text; nulls are empty."""
    return separator.join("" if item is None else str(item) for item in items)


@serves("List.remove")
def remove(items: Items, element: Any) -> Items:
    """Without the first occurrence of an element."""
    where = index_of(items, element)
    return list(items) if where < 0 else [*items[:where], *items[where + 1 :]]


@serves("List.removeAll")
def remove_all(items: Items, other: Items) -> Items:
    """Without any of the others."""
    return [item for item in items if item not in other]


@serves("List.repeat")
def repeat(value: Any, count: int) -> Items:
    """The value over and over."""
    return [value] * count


@serves("List.replace")
def replace(items: Items, old: Any, new: Any) -> Items:
    """With the first occurrence replaced."""
    where = index_of(items, old)
    return list(items) if where < 0 else [*items[:where], new, *items[where + 1 :]]


@serves("List.replaceAll")
def replace_all(items: Items, old: Any, new: Any) -> Items:
    """With all occurrences replaced."""
    return [new if item == old else item for item in items]


@serves("List.reverse")
def reverse(items: Items) -> Items:
    """Backwards."""
    return items[::-1]


@serves("List.rotate")
def rotate(items: Items, distance: int) -> Items:
    """Rotated towards the end."""
    turn = distance % len(items) if items else 0
    return items[-turn:] + items[:-turn] if turn else list(items)


@serves("List.sequence")
def sequence(start: float, end: float | None, step: float, count: int | None) -> Items:
    """start to end, inclusive, by step or in `count` even steps."""
    if count is not None:
        pace = step if end is None else (end - start) / max(count - 1, 1)
        return [start + i * pace for i in range(count)]
    if end is None or step == 0:
        raise RequestError("List.sequence: give 'end' with a step other than 0, or 'count'.")
    return [start + i * step for i in range(math.floor((end - start) / step + 1e-9) + 1)]


@serves("List.shuffle")
def shuffle(items: Items, seed: Any) -> Items:
    """In random order, the same for the same seed; False gives any order. It is not the real service's order."""
    order = random.Random() if seed is False else random.Random(str(seed))
    return order.sample(items, len(items))


@serves("List.slice")
def slice_(items: Items, start: int, end: int | None, step: int | None) -> Items:
    """From start to end, exclusive."""
    return items[start:end:step]


@serves("List.sort")
def sort(items: Items, keys: Items | None) -> Items:
    """Sorted by value, or by parallel keys."""
    values = [plain(v) for v in (items if keys is None else keys)]
    if len(values) != len(items):
        raise RequestError(f"List.sort: {len(items)} elements but {len(values)} keys.")
    if len({isinstance(v, str) for v in values}) > 1:
        raise RequestError("List.sort: text and numbers do not sort together.")
    return [items[i] for i in sorted(range(len(items)), key=values.__getitem__)]


@serves("List.splice")
def splice(items: Items, start: int, count: int, other: Items | None) -> Items:
    """With `count` elements from `start` replaced by others."""
    where = start if start >= 0 else len(items) + start
    return [*items[:where], *(other or []), *items[where + count :]]


@serves("List.swap")
def swap(items: Items, one: int, two: int) -> Items:
    """With two elements exchanged."""
    a, b = _at(items, one, "swap"), _at(items, two, "swap")
    swapped = list(items)
    swapped[a], swapped[b] = items[b], items[a]
    return swapped


@serves("List.zip")
def zip_(items: Items, other: Items) -> list[Items]:
    """Pairs, as many as the shorter list has."""
    return [list(pair) for pair in zip(items, other, strict=False)]


@serves("List.unzip")
def unzip(items: list[Items]) -> list[Items]:
    """Lists of first, second, ... elements, as many as the shortest has."""
    return [list(column) for column in zip(*items, strict=False)]
