"""Filters as values: tests of one element, or of a pair in a join."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shapely.geometry.base import BaseGeometry

from pipeline.emulator.values import DateSpan, Element, Filter, Geo, Moment


def plain(value: Any) -> Any:
    """A comparable value: dates as milliseconds."""
    return value.ms if isinstance(value, Moment) else value


def shape_of(value: Any) -> BaseGeometry | None:
    """The shape of a geometry or element in degrees, or None."""
    geometry = value.geometry if isinstance(value, Element) else value
    return geometry.lonlat if isinstance(geometry, Geo) and not geometry.shape.is_empty else None


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(left: Any, right: Any) -> bool:
        a, b = plain(left), plain(right)
        comparable = isinstance(a, str) == isinstance(b, str) and isinstance(a, str | int | float)
        return comparable and isinstance(b, str | int | float) and test(a, b)

    return compare


def _spatial(test: Callable[[BaseGeometry, BaseGeometry], bool]) -> Callable[[Any, Any], bool]:
    def compare(left: Any, right: Any) -> bool:
        a, b = shape_of(left), shape_of(right)
        return a is not None and b is not None and bool(test(a, b))

    return compare


def _textual(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda left, right: isinstance(left, str) and isinstance(right, str) and test(left, right)


def _date_in_range(span: Any, date: Any) -> bool:
    ms = plain(date)
    return isinstance(span, DateSpan) and isinstance(ms, int | float) and span.start_ms <= ms < span.end_ms


TESTS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "equals": lambda a, b: plain(a) == plain(b),
    "lessThan": _ordered(lambda a, b: a < b),
    "greaterThan": _ordered(lambda a, b: a > b),
    "listContains": lambda a, b: isinstance(a, list) and b in a,
    "stringStartsWith": _textual(str.startswith),
    "stringEndsWith": _textual(str.endswith),
    "stringContains": _textual(lambda a, b: b in a),
    "intersects": _spatial(lambda a, b: a.intersects(b)),
    "contains": _spatial(lambda a, b: a.covers(b)),
    "isContained": _spatial(lambda a, b: b.covers(a)),
    "dateRangeContains": _date_in_range,
}
"""Tests by the name after 'Filter.'. Operands of types that do not compare fail, as null does."""

OPPOSITES: Final[Mapping[str, str]] = {
    "notEquals": "equals",
    "lessThanOrEquals": "greaterThan",
    "greaterThanOrEquals": "lessThan",
    "disjoint": "intersects",
}
"""Tests that pass unless another one does (their descriptions in the list of algorithms), so also for null."""


@dataclass(frozen=True)
class Comparison(Filter):
    """A test of two operands, each a constant or a field. A null operand fails every test but the opposites.

    In a join, the left field is the primary element's and the right field the secondary's; otherwise both are the
    element's own.
    """

    test: str
    left_field: str | None
    right_value: Any
    right_field: str | None
    left_value: Any

    def operands(self, left: Element, right: Element | None) -> tuple[Any, Any]:
        """The values compared."""
        other = left if right is None else right
        a = self.left_value if self.left_field is None else left.get(self.left_field)
        b = self.right_value if self.right_field is None else other.get(self.right_field)
        return a, b

    def passes(self, left: Element, right: Element | None = None) -> bool:
        """Whether the test holds."""
        a, b = self.operands(left, right)
        test = TESTS[OPPOSITES.get(self.test, self.test)]
        return (a is not None and b is not None and test(a, b)) != (self.test in OPPOSITES)


@dataclass(frozen=True)
class MaxDifference(Comparison):
    """Both operands are numbers, at most `difference` apart; that distance is the join measure."""

    difference: float = 0.0

    def passes(self, left: Element, right: Element | None = None) -> bool:
        """Whether the numbers are near."""
        apart = self._apart(left, right)
        return apart is not None and apart <= self.difference

    def measure(self, left: Element, right: Element) -> float | None:
        """The absolute difference."""
        return self._apart(left, right)

    def _apart(self, left: Element, right: Element | None) -> float | None:
        a, b = (plain(v) for v in self.operands(left, right))
        return abs(a - b) if isinstance(a, int | float) and isinstance(b, int | float) else None


@dataclass(frozen=True)
class NotNull(Filter):
    """All named properties are there."""

    properties: tuple[str, ...]

    def passes(self, left: Element, _right: Element | None = None) -> bool:
        """Whether none is null."""
        return all(left.get(name) is not None for name in self.properties)


@dataclass(frozen=True)
class AllOf(Filter):
    """Every one of the filters."""

    filters: tuple[Filter, ...]

    def passes(self, left: Element, right: Element | None = None) -> bool:
        """Whether all pass."""
        return all(f.passes(left, right) for f in self.filters)

    def measure(self, left: Element, right: Element) -> float | None:
        """The first measure among the filters."""
        return _first_measure(self.filters, left, right)


@dataclass(frozen=True)
class AnyOf(Filter):
    """At least one of the filters."""

    filters: tuple[Filter, ...]

    def passes(self, left: Element, right: Element | None = None) -> bool:
        """Whether any passes."""
        return any(f.passes(left, right) for f in self.filters)

    def measure(self, left: Element, right: Element) -> float | None:
        """The first measure among the filters."""
        return _first_measure(self.filters, left, right)


@dataclass(frozen=True)
class Not(Filter):
    """The opposite of a filter: null operands, which fail a comparison, pass its opposite."""

    inner: Filter

    def passes(self, left: Element, right: Element | None = None) -> bool:
        """Whether the inner filter fails."""
        return not self.inner.passes(left, right)


def _first_measure(filters: Sequence[Filter], left: Element, right: Element) -> float | None:
    measures = (f.measure(left, right) for f in filters)
    return next((m for m in measures if m is not None), None)
