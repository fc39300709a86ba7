"""String.*."""

import json
import re
from collections.abc import Callable
from typing import Any

from pipeline.emulator.encode import encoded
from pipeline.emulator.registry import serves
from pipeline.emulator.replies import RequestError


@serves("String")
def string(value: Any) -> str:
    """A value as text: numbers without a needless fraction, the rest as JSON."""
    plain = encoded(value)
    return plain if isinstance(plain, str) else json.dumps(plain)


def _expression(pattern: str, flags: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE if "i" in flags else 0)
    except re.error as error:
        raise RequestError(f"String: the regular expression '{pattern}' is not understood: {error}.") from None


@serves("String.match")
def match(text: str, pattern: str, flags: str) -> list[str]:
    """All matches with the flag 'g', else the first match and its groups."""
    expression = _expression(pattern, flags)
    if "g" in flags:
        return [m[0] for m in expression.finditer(text)]
    found = expression.search(text)
    return [] if found is None else [found[0], *(g or "" for g in found.groups())]


@serves("String.replace")
def replace(text: str, pattern: str, replacement: str, flags: str) -> str:
    """With the first match replaced, or all with the flag 'g'; $1 stands for a group."""
    template = re.sub(r"\$(\d)", r"\\\1", replacement)
    return _expression(pattern, flags).sub(template, text, count=0 if "g" in flags else 1)


@serves("String.split")
def split(text: str, pattern: str, flags: str) -> list[str]:
    """Cut at every match; into characters where the pattern is empty."""
    return list(text) if pattern == "" else _expression(pattern, flags).split(text)


@serves("String.slice")
def slice_(text: str, start: int, end: int | None) -> str:
    """From start to end, exclusive."""
    return text[start:end]


@serves("String.compareTo")
def compare(one: str, two: str) -> int:
    """-1, 0 or 1."""
    return (one > two) - (one < two)


@serves("String.decodeJSON")
def decode_json(text: str) -> Any:
    """The value of a JSON text."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise RequestError(f"String.decodeJSON: {error}.") from None


def _serve(name: str, function: Callable[..., Any]) -> None:
    serves(f"String.{name}")(function)


_serve("cat", lambda one, two: one + two)
_serve("equals", lambda one, two: one == two)
_serve("length", len)
_serve("index", lambda text, part: text.find(part))
_serve("rindex", lambda text, part: text.rfind(part))
_serve("toLowerCase", str.lower)
_serve("toUpperCase", str.upper)
_serve("trim", str.strip)
_serve("encodeJSON", lambda value: json.dumps(encoded(value)))
