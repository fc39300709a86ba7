"""Element.* and the accessors of Feature and Image."""

import dataclasses
from typing import Any

from pipeline.emulator.lattice import Projection
from pipeline.emulator.registry import serves
from pipeline.emulator.replies import RequestError
from pipeline.emulator.values import Element, Geo, Image, Moment


@serves("Element.get")
def get(element: Element, name: str) -> Any:
    """A property, null where there is none."""
    return element.get(name)


@serves("Element.getNumber")
def get_number(element: Element, name: str) -> float | int:
    """A property that must be a number."""
    value = element.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RequestError(f"Element.getNumber: the property '{name}' is no number.")
    return value


@serves("Element.getString")
def get_string(element: Element, name: str) -> str:
    """A property that must be text."""
    value = element.get(name)
    if not isinstance(value, str):
        raise RequestError(f"Element.getString: the property '{name}' is no string.")
    return value


@serves("Element.set")
def set_(element: Element, key: str, value: Any) -> Element:
    """With one property changed."""
    return element.with_properties({key: value})


@serves("Element.setMulti")
def set_multi(element: Element, properties: dict[str, Any]) -> Element:
    """With some properties changed."""
    return element.with_properties(properties)


@serves("Element.toDictionary")
def to_dictionary(element: Element, names: list[str] | None) -> dict[str, Any]:
    """The named properties, or all but the system ones."""
    wanted = _ordinary(element) if names is None else names
    values = {name: element.get(name) for name in wanted}
    return {name: value for name, value in values.items() if value is not None}


def _ordinary(element: Element) -> list[str]:
    return [name for name in element.properties if not name.startswith("system:")]


@serves("Element.propertyNames")
def property_names(element: Element) -> list[str]:
    """All names, system:index included."""
    return [*element.properties, *(["system:index"] if element.index is not None else [])]


@serves("Element.copyProperties")
def copy_properties(
    destination: Element | None, source: Element | None, names: list[str] | None, exclude: list[str] | None
) -> Element | None:
    """Properties of one element onto another, by default all but the system ones."""
    if destination is None or source is None:
        return destination
    chosen = names if names is not None else [n for n in _ordinary(source) if n not in (exclude or [])]
    return destination.with_properties({n: source.get(n) for n in chosen if source.get(n) is not None})


@serves("Element.replaceProperties")
def replace_properties(destination: Element, source: Element | None) -> Element:
    """Another element's properties instead."""
    return dataclasses.replace(destination, properties={} if source is None else source.properties)


@serves("Element.geometry", "Feature.geometry", "Image.geometry")
def geometry(element: Element, _max_error: Any, proj: Projection | None, _geodesics: bool | None) -> Geo:
    """The geometry, moved to a projection where one is given."""
    if element.geometry is None:
        raise RequestError("Element.geometry: Unable to compute the geometry: it is missing or unbounded.")
    return element.geometry if proj is None else element.geometry.to(proj.crs)


@serves("Feature.setGeometry")
def set_geometry(element: Element, shape: Geo | None) -> Element:
    """With another geometry."""
    return dataclasses.replace(element, geometry=shape)


@serves("Feature.id", "Image.id")
def identity(element: Element) -> str | None:
    """The id within the collection."""
    return element.index


@serves("Image.date")
def date(image: Image) -> Moment:
    """The acquisition time, system:time_start."""
    start = image.get("system:time_start")
    if start is None:
        raise RequestError("Image.date: the image has no system:time_start.")
    return Moment(start)
