"""What a recipe's key may hold, in words: its type, its unit and its range."""

import datetime
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

PLAIN: Final[Mapping[Any, str]] = {
    int: "integer",
    float: "number",
    str: "text",
    bool: "true or false",
    Path: "path",
    datetime.date: "date (YYYY-MM-DD)",
    Any: "any",
}

UNITS: Final[Mapping[str, str]] = {
    "_px": "pixels",
    "_km": "km",
    "_m": "m",
    "_s": "seconds",
    "_minutes": "minutes",
    "_days": "days",
    "_years": "years",
    "_deg": "degrees",
    "_pct": "%",
    "_dn": "digital numbers",
    "_epochs": "epochs",
    "_std": "standard deviations",
    "eecu_hours": "EECU-hours",
    "eecu_s_per_pixel_request": "EECU-seconds",
    "eecu_s_per_scene_query": "EECU-seconds",
}
"""How the name of a key ends, and the unit of its value then."""

BOUNDS: Final = (
    (annotated_types.Gt, "gt", ">"),
    (annotated_types.Ge, "ge", "≥"),
    (annotated_types.Lt, "lt", "<"),
    (annotated_types.Le, "le", "≤"),
)
"""A constraint of pydantic's, the name of its bound, and the sign that stands for it."""


def value_words(key: str, field: FieldInfo) -> str:
    """For example 'number, km, > 0'."""
    words = [type_words(field.annotation)]
    if any(kind in (int, float) for kind in _leaves(field.annotation)):
        words += [unit for ending, unit in UNITS.items() if key.endswith(ending)][-1:]
    words += range_words(field.metadata)
    return ", ".join(words).replace("text, at least 1", "text, not empty")


def type_words(kind: Any) -> str:
    """A type as a person who writes YAML would name it."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return ", ".join([type_words(inner[0]), *range_words(inner[1:])])
    if origin is Literal:
        return _either([f"`{value}`" for value in inner])
    if origin in (Union, types.UnionType):
        return _either([type_words(one) for one in inner if one is not type(None)])
    if origin is tuple:
        return _list_words(inner)
    if origin is dict:
        return f"{type_words(inner[0])}: {type_words(inner[1])}" if inner[1] is not Any else "keys"
    if models(kind):
        return "keys"
    return PLAIN[kind]


def models(kind: Any) -> list[type[BaseModel]]:
    """The settings that a value of this type may hold, one beside the other."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    return [model for inner in get_args(kind) for model in models(inner)]


def range_words(constraints: Any) -> list[str]:
    """What a value must be, one constraint a word."""
    return [word for one in constraints for word in _constraint(one)]


def _constraint(one: Any) -> Iterator[str]:
    if isinstance(one, FieldInfo):
        yield from range_words(one.metadata)
    for kind, name, sign in BOUNDS:
        if isinstance(one, kind):
            yield f"{sign}&nbsp;{_bound(getattr(one, name))}"
    if isinstance(one, annotated_types.MultipleOf):
        yield f"a multiple of {one.multiple_of}"
    if isinstance(one, annotated_types.MinLen):
        yield f"at least {one.min_length}"
    if isinstance(one, annotated_types.MaxLen):
        yield f"at most {one.max_length}"
    pattern = getattr(one, "pattern", None)
    if pattern is not None:
        yield f"matches `{pattern}`"


def _bound(value: float) -> str:
    return "2³²" if value == 2**32 else "2³¹" if value == 2**31 else f"{value:g}"


def _list_words(inner: tuple[Any, ...]) -> str:
    if inner[-1] is Ellipsis:
        return f"list of {type_words(inner[0])}" if not models(inner[0]) else "list of keys"
    return f"list of {len(inner)}: {type_words(inner[0])} each"


def _either(words: list[str]) -> str:
    distinct = list(dict.fromkeys(words))
    return distinct[0] if len(distinct) == 1 else ", ".join(distinct[:-1]) + f" or {distinct[-1]}"


def _leaves(kind: Any) -> Iterator[Any]:
    inner = get_args(kind)
    if get_origin(kind) is Literal or not inner:
        yield kind
    for one in inner if get_origin(kind) is not Literal else ():
        yield from _leaves(one)
