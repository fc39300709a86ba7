"""Promotes values to the types that the signatures ask for, and refuses those that do not fit."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import shapely
from shapely.errors import ShapelyError

from pipeline.emulator.calls import Argument
from pipeline.emulator.lattice import IDENTITY, Projection
from pipeline.emulator.nodes import Band, Constant
from pipeline.emulator.pixel_types import constant_type
from pipeline.emulator.replies import RequestError
from pipeline.emulator.timeline import parse_date
from pipeline.emulator.values import (
    Collection,
    DateSpan,
    Element,
    Feature,
    Filter,
    Geo,
    Group,
    Image,
    Join,
    Listed,
    Moment,
    Reducer,
    indexed,
)

_KINDS: Final[tuple[tuple[type[Any] | tuple[type[Any], ...], str], ...]] = (
    (bool, "Boolean"),
    (int, "Integer"),
    (float, "Float"),
    (str, "String"),
    (list, "List"),
    (dict, "Dictionary"),
    (Moment, "Date"),
    (DateSpan, "DateRange"),
    (Geo, "Geometry"),
    (Projection, "Projection"),
    (Image, "Image"),
    (Element, "Feature"),
    (Filter, "Filter"),
    (Reducer, "Reducer"),
    (Join, "Join"),
)


class Misfit(Exception):  # noqa: N818 - a value that does not fit, not an error of its own
    """The value has another type than is asked for."""


def kind_of(value: Any) -> str:
    """Earth Engine's name of a value's type."""
    if value is None:
        return "Null"
    if isinstance(value, Collection):
        return "ImageCollection" if value.of_images else "FeatureCollection"
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "Object")


def constant_image(value: Any) -> Image:
    """An image of one constant band, or of one a number of a list."""
    numbers = value if isinstance(value, list) else [value]
    if not numbers or not all(isinstance(n, int | float) for n in numbers):
        raise Misfit
    names = ["constant"] if len(numbers) == 1 else [f"constant_{i}" for i in range(len(numbers))]
    bands = (Band(name, Constant(n), constant_type(n)) for name, n in zip(names, numbers, strict=True))
    return Image(bands=tuple(bands))


def geometry_of(value: Any) -> Geo:
    """A geometry, that of an element, or one in GeoJSON."""
    if isinstance(value, Geo):
        return value
    if isinstance(value, Element) and value.geometry is not None:
        return value.geometry
    if isinstance(value, dict) and "type" in value:
        try:
            return Geo(shapely.geometry.shape(value), geodesic=bool(value.get("geodesic", True)))
        except (ShapelyError, KeyError, ValueError, TypeError, AttributeError):
            raise Misfit from None
    raise Misfit


def collection_of(value: Any) -> Collection:
    """A collection, or a list of elements or one element as a collection."""
    if isinstance(value, Group):
        value = value.collection
    if isinstance(value, Collection):
        return value
    if isinstance(value, Element):
        return indexed([value], isinstance(value, Image), keep=True)
    if isinstance(value, list) and all(isinstance(e, Element) for e in value):
        return indexed(value, bool(value) and all(isinstance(e, Image) for e in value))
    raise Misfit


def _projection(value: Any) -> Projection:
    if isinstance(value, str):
        return Projection(value)
    if isinstance(value, dict) and "crs" in value:
        return Projection(value["crs"], tuple(value.get("transform", IDENTITY)))
    if isinstance(value, Projection):
        return value
    raise Misfit


def _image(value: Any) -> Image:
    return value if isinstance(value, Image) else constant_image(value)


def _images(value: Any) -> Collection:
    collection = collection_of(value)
    if collection.of_images or (isinstance(collection, Listed) and not collection.items):
        return collection
    raise Misfit


def _element(value: Any) -> Element:
    if isinstance(value, Collection):
        return Group(collection=value)
    return Feature(geometry=value) if isinstance(value, Geo) else _expect(Element)(value)


def _moment(value: Any) -> Moment:
    if isinstance(value, str):
        return Moment(parse_date(value))
    return Moment(value) if isinstance(value, int | float) else _expect(Moment)(value)


def _span(value: Any) -> DateSpan:
    return DateSpan(value.ms, value.ms + 1) if isinstance(value, Moment) else _expect(DateSpan)(value)


def _number(value: Any) -> int | float:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    raise Misfit


def _integer(value: Any) -> int:
    number = _number(value)
    if number != number or number != int(number):
        raise Misfit
    return int(number)


def _expect(kind: type[Any]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not isinstance(value, kind):
            raise Misfit
        return value

    return check


def _algorithm(value: Any) -> Any:
    if not callable(value):
        raise Misfit
    return value


_PROMOTIONS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "Image": _image,
    "ImageCollection": _images,
    "FeatureCollection": collection_of,
    "Element": _element,
    "Feature": _element,
    "Geometry": geometry_of,
    "Date": _moment,
    "DateRange": _span,
    "Projection": _projection,
    "Number": _number,
    "Float": _number,
    "Integer": _integer,
    "Long": _integer,
    "Boolean": lambda value: bool(_number(value)),
    "String": _expect(str),
    "List": _expect(list),
    "Dictionary": _expect(dict),
    "Filter": _expect(Filter),
    "Join": _expect(Join),
    "Reducer": _expect(Reducer),
    "Algorithm": _algorithm,
}
"""By the type's name before '<'. Types that are not here (Object, ErrorMargin, ...) take any value."""


def _promote(value: Any, type_name: str) -> Any:
    base, _, inner = type_name.partition("<")
    promote = _PROMOTIONS.get(base)
    promoted = value if promote is None else promote(value)
    if base == "List" and inner.rstrip(">") not in ("Object", ""):
        return [_promote(item, inner.removesuffix(">")) for item in promoted]
    return promoted


def promoted(value: Any, argument: Argument, function: str) -> Any:
    """`value` as the argument's type; RequestError in the service's words where it does not fit."""
    if value is None:
        if argument.optional or argument.type_name in ("Object", "<any>"):
            return None
        raise RequestError(f"{function}: Parameter '{argument.name}' is required and may not be null.")
    try:
        return _promote(value, argument.type_name)
    except Misfit:
        raise RequestError(
            f"{function}, argument '{argument.name}': Invalid type.\n"
            f"Expected type: {argument.type_name}.\nActual type: {kind_of(value)}."
        ) from None
