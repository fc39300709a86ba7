"""Filter.*: constructors of predicates."""

from collections.abc import Callable
from typing import Any

from pipeline.emulator.predicates import OPPOSITES, TESTS, AllOf, AnyOf, Comparison, MaxDifference, Not, NotNull
from pipeline.emulator.registry import serves
from pipeline.emulator.replies import RequestError
from pipeline.emulator.values import Filter


def _check(name: str, left_field: Any, right_value: Any, right_field: Any, left_value: Any) -> None:
    if left_field is not None and left_value is not None:
        raise RequestError(f"Filter.{name}: give 'leftField' or 'leftValue', not both.")
    if right_field is not None and right_value is not None:
        raise RequestError(f"Filter.{name}: give 'rightField' or 'rightValue', not both.")
    if left_field is None and left_value is None:
        raise RequestError(f"Filter.{name}: one of 'leftField' and 'leftValue' is required.")
    if right_field is None and right_value is None:
        raise RequestError(f"Filter.{name}: one of 'rightField' and 'rightValue' is required.")


def _comparison(name: str) -> Callable[..., Comparison]:
    def make(
        left_field: str | None, right_value: Any, right_field: str | None, left_value: Any, _max_error: Any = None
    ) -> Comparison:
        _check(name, left_field, right_value, right_field, left_value)
        return Comparison(name, left_field, right_value, right_field, left_value)

    return make


for _name in (*TESTS, *OPPOSITES):
    serves(f"Filter.{_name}")(_comparison(_name))

for _short, _long in (
    ("eq", "equals"),
    ("neq", "notEquals"),
    ("lt", "lessThan"),
    ("lte", "lessThanOrEquals"),
    ("gt", "greaterThan"),
    ("gte", "greaterThanOrEquals"),
):
    serves(f"Filter.{_short}")(_comparison(_long))


@serves("Filter.maxDifference")
def max_difference(
    difference: float, left_field: str | None, right_value: Any, right_field: str | None, left_value: Any
) -> MaxDifference:
    """Numbers within a distance."""
    _check("maxDifference", left_field, right_value, right_field, left_value)
    return MaxDifference("maxDifference", left_field, right_value, right_field, left_value, difference)


@serves("Filter.rangeContains")
def range_contains(field: str, low: Any, high: Any) -> AllOf:
    """A field within [low, high]."""
    return AllOf(
        (
            NotNull((field,)),
            Comparison("greaterThanOrEquals", field, low, None, None),
            Comparison("lessThanOrEquals", field, high, None, None),
        )
    )


@serves("Filter.notNull")
def not_null(properties: list[str]) -> NotNull:
    """All properties are there."""
    return NotNull(tuple(properties))


@serves("Filter.and")
def all_of(filters: list[Filter]) -> AllOf:
    """All filters pass."""
    return AllOf(tuple(filters))


@serves("Filter.or")
def any_of(filters: list[Filter]) -> AnyOf:
    """Any filter passes."""
    return AnyOf(tuple(filters))


@serves("Filter.not")
def negated(condition: Filter) -> Not:
    """The filter fails."""
    return Not(condition)


@serves("Filter.always")
def always() -> AllOf:
    """Everything passes."""
    return AllOf(())


@serves("Filter.never")
def never() -> AnyOf:
    """Nothing passes."""
    return AnyOf(())
