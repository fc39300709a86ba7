"""Number.* and what depends on no theme: If, IsEqual, ObjectType, PixelType, ErrorMargin."""

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from pipeline.emulator.coerce import kind_of
from pipeline.emulator.pixel_types import NAMED, PixelType
from pipeline.emulator.registry import serves
from pipeline.emulator.replies import RequestError


def _division(a: float, b: float) -> float:
    return a / b if b else 0.0


def _remainder(a: float, b: float) -> float:
    return math.fmod(a, b) if b else 0.0


BINARY: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": _division,
    "mod": _remainder,
    "pow": operator.pow,
    "min": min,
    "max": max,
    "hypot": math.hypot,
    "atan2": math.atan2,
    "eq": lambda a, b: int(a == b),
    "neq": lambda a, b: int(a != b),
    "lt": lambda a, b: int(a < b),
    "lte": lambda a, b: int(a <= b),
    "gt": lambda a, b: int(a > b),
    "gte": lambda a, b: int(a >= b),
    "and": lambda a, b: int(bool(a) and bool(b)),
    "or": lambda a, b: int(bool(a) or bool(b)),
}
UNARY: Final[Mapping[str, Callable[[Any], Any]]] = {
    "abs": abs,
    "ceil": math.ceil,
    "floor": math.floor,
    "round": lambda a: math.floor(a + 0.5),
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "log10": math.log10,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "not": lambda a: int(not a),
    "signum": lambda a: (a > 0) - (a < 0),
    "toDouble": float,
    "double": float,
    "toFloat": float,
    "float": float,
}


def _safe(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def compute(*numbers: Any) -> Any:
        try:
            return function(*numbers)
        except (ArithmeticError, ValueError) as error:
            raise RequestError(f"Number.{name}: {error}.") from None

    return compute


_FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {**BINARY, **UNARY}

for _name, _function in _FUNCTIONS.items():
    serves(f"Number.{_name}")(_safe(_name, _function))


def _to_integer(kind: PixelType) -> Callable[[float], int]:
    """Truncates towards zero and clamps, as the cast of pixels does."""
    return lambda value: int(min(max(math.trunc(value), kind.minimum or 0), kind.maximum or 0))


for _kind in ("int8", "uint8", "byte", "int16", "short", "uint16", "int32", "int", "uint32", "int64", "long"):
    serves(f"Number.{_kind}", f"Number.to{_kind.capitalize()}")(_to_integer(NAMED[_kind]))


@serves("Number.clamp")
def clamp(number: float, low: float, high: float) -> float:
    """Held within [low, high]."""
    return min(max(number, low), high)


@serves("Number.parse")
def parse(text: str, radix: int) -> float | int:
    """A number out of text."""
    try:
        return int(text, radix) if radix != 10 or text.strip().lstrip("+-").isdigit() else float(text)
    except ValueError:
        raise RequestError(f"Number.parse: Cannot parse '{text}' as a number.") from None


@serves("Number.format")
def format_(number: float, pattern: str) -> str:
    """printf-style, for example '%.2f'."""
    try:
        return pattern % (int(number) if pattern.rstrip()[-1:] in "dxo" else number)
    except (ValueError, TypeError):
        raise RequestError(f"Number.format: the pattern '{pattern}' is not understood.") from None


def truthy(value: Any) -> bool:
    """Zero, NaN, null and empty text, lists and dictionaries are false; anything else is true."""
    if isinstance(value, int | float):
        return value == value and value != 0
    return value is not None and value not in ("", [], {})


@serves("If", lazy=True)
def if_(condition: Callable[[], Any], true: Callable[[], Any], false: Callable[[], Any]) -> Any:
    """The chosen case; the other one is not computed (the real service may compute both)."""
    return true() if truthy(condition()) else false()


@serves("IsEqual")
def is_equal(left: Any, right: Any) -> bool:
    """Whether two values are equal."""
    return bool(left == right)


@serves("ObjectType")
def object_type(value: Any) -> str:
    """The name of a value's type."""
    return kind_of(value)


@serves("ErrorMargin")
def error_margin(_value: float | None, _unit: str) -> None:
    """Nothing: the emulator's geometry knows no margins."""


@serves("PixelType")
def pixel_type(precision: Any, low: float | None, high: float | None, _dimensions: int) -> PixelType:
    """A pixel type from its precision and range, or from a name."""
    if isinstance(precision, PixelType):
        return precision
    if precision in NAMED and low is None and high is None:
        return NAMED[precision]
    if precision not in ("int", "float", "double") or (precision == "int" and (low is None or high is None)):
        raise RequestError("PixelType: the precision is 'int' with 'minValue' and 'maxValue', 'float' or 'double'.")
    return PixelType(precision, low, high) if precision == "int" else PixelType(precision)
