"""Dictionary.*."""

import re
from collections.abc import Sequence
from typing import Any

from pipeline.emulator.coerce import Misfit, geometry_of, kind_of
from pipeline.emulator.nodes import Band, Constant
from pipeline.emulator.pixel_types import constant_type
from pipeline.emulator.registry import serves
from pipeline.emulator.replies import RequestError
from pipeline.emulator.values import Algorithm, Element, Geo, Image

Entries = dict[str, Any]


@serves("Dictionary")
def dictionary(value: Any) -> Entries:
    """From a dictionary, or a list of alternating keys and values."""
    if value is None:
        return {}
    if isinstance(value, Element):
        return dict(value.properties)
    if isinstance(value, list) and len(value) % 2 == 0:
        return dict(zip(value[::2], value[1::2], strict=True))
    if isinstance(value, dict):
        return value
    raise RequestError("Dictionary: the input must be a dictionary or a list of alternating keys and values.")


@serves("Dictionary.fromLists")
def from_lists(keys: list[str], values: list[Any]) -> Entries:
    """From two parallel lists."""
    if len(keys) != len(values):
        raise RequestError(f"Dictionary.fromLists: {len(keys)} keys but {len(values)} values.")
    return dict(zip(keys, values, strict=True))


def _entry(entries: Entries, key: str, function: str) -> Any:
    if key not in entries:
        known = ", ".join(sorted(entries))
        raise RequestError(f"Dictionary.{function}: Dictionary does not contain key: '{key}'. Known keys: {known}.")
    return entries[key]


@serves("Dictionary.get")
def get(entries: Entries, key: str, default: Any) -> Any:
    """A value, or the default where one is given."""
    return default if key not in entries and default is not None else _entry(entries, key, "get")


@serves("Dictionary.getNumber")
def get_number(entries: Entries, key: str) -> Any:
    """A value that must be a number."""
    return _typed(_entry(entries, key, "getNumber"), (int, float), "getNumber")


@serves("Dictionary.getString")
def get_string(entries: Entries, key: str) -> Any:
    """A value that must be text."""
    return _typed(_entry(entries, key, "getString"), (str,), "getString")


def _typed(value: Any, kinds: tuple[type[Any], ...], function: str) -> Any:
    if not isinstance(value, kinds):
        raise RequestError(f"Dictionary.{function}: the value is a {kind_of(value)}.")
    return value


@serves("Dictionary.getGeometry")
def get_geometry(entries: Entries, key: str) -> Geo:
    """A value that must be a geometry."""
    try:
        return geometry_of(_entry(entries, key, "getGeometry"))
    except Misfit:
        raise RequestError(f"Dictionary.getGeometry: '{key}' is no geometry.") from None


@serves("Dictionary.set")
def set_(entries: Entries, key: str, value: Any) -> Entries:
    """With one value changed."""
    return {**entries, key: value}


@serves("Dictionary.contains")
def contains(entries: Entries, key: str) -> bool:
    """Whether the key is there."""
    return key in entries


@serves("Dictionary.keys")
def keys(entries: Entries) -> list[str]:
    """The keys, sorted."""
    return sorted(entries)


@serves("Dictionary.values")
def values(entries: Entries, names: list[str] | None) -> list[Any]:
    """The values in the order of the sorted keys, or of the given ones."""
    return [_entry(entries, key, "values") for key in (sorted(entries) if names is None else names)]


@serves("Dictionary.size")
def size(entries: Entries) -> int:
    """How many entries."""
    return len(entries)


@serves("Dictionary.combine")
def combine(first: Entries, second: Entries, overwrite: bool) -> Entries:
    """Both; nulls are left out."""
    joined = {**first, **second} if overwrite else {**second, **first}
    return {key: value for key, value in joined.items() if value is not None}


@serves("Dictionary.map")
def map_(entries: Entries, algorithm: Algorithm) -> Entries:
    """The function of each key and value; nulls are left out."""
    mapped = {key: algorithm(key, value) for key, value in entries.items()}
    return {key: value for key, value in mapped.items() if value is not None}


def matching(names: Sequence[str], selectors: Sequence[str], ignore_missing: bool, function: str) -> list[str]:
    """The names that the selectors, names or regular expressions, choose, in the selectors' order."""
    chosen: dict[str, None] = {}
    for selector in selectors:
        hits = [selector] if selector in names else [n for n in names if re.fullmatch(selector, n)]
        if not hits and not ignore_missing:
            raise RequestError(f"{function}: '{selector}' matches none of {', '.join(sorted(names))}.")
        chosen.update(dict.fromkeys(hits))
    return list(chosen)


@serves("Dictionary.select")
def select(entries: Entries, selectors: list[str], ignore_missing: bool) -> Entries:
    """Only the chosen entries."""
    return {k: entries[k] for k in matching(list(entries), selectors, ignore_missing, "Dictionary.select")}


@serves("Dictionary.remove")
def remove(entries: Entries, selectors: list[str], ignore_missing: bool) -> Entries:
    """All but the chosen entries."""
    gone = matching(list(entries), selectors, ignore_missing, "Dictionary.remove")
    return {key: value for key, value in entries.items() if key not in gone}


@serves("Dictionary.rename")
def rename(entries: Entries, old: list[str], new: list[str], overwrite: bool) -> Entries:
    """With some keys renamed."""
    if len(old) != len(new):
        raise RequestError(f"Dictionary.rename: {len(old)} keys but {len(new)} new names.")
    moved = {n: _entry(entries, o, "rename") for o, n in zip(old, new, strict=True)}
    rest = {key: value for key, value in entries.items() if key not in old}
    clash = sorted(rest.keys() & moved.keys())
    if clash and not overwrite:
        raise RequestError(f"Dictionary.rename: '{clash[0]}' exists already; set 'overwrite'.")
    return {**rest, **moved}


@serves("Dictionary.toImage")
def to_image(entries: Entries, names: list[str] | None) -> Image:
    """A constant band for each value."""
    order = sorted(entries) if names is None else names
    numbers = {name: _typed(_entry(entries, name, "toImage"), (int, float), "toImage") for name in order}
    return Image(bands=tuple(Band(name, Constant(n), constant_type(n)) for name, n in numbers.items()))
