"""Reducer.*, Collection.reduceColumns and List.reduce."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.emulator.predicates import plain
from pipeline.emulator.registry import serves
from pipeline.emulator.replies import RequestError
from pipeline.emulator.values import Collection, Reducer


@dataclass(frozen=True)
class Single(Reducer):
    """A reducer of one column to one output; nulls are left out."""

    name: str
    function: Callable[[list[Any]], Any]

    def width(self) -> int:
        """One column."""
        return 1

    def reduce(self, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """The one output."""
        return {self.name: self.function([row[0] for row in rows if row[0] is not None])}


@dataclass(frozen=True)
class ToList(Reducer):
    """Rows as a list: plain values, or tuples; rows that lack a required value are left out."""

    tuple_size: int | None
    optional: int

    def width(self) -> int:
        """Columns of a row."""
        return self.tuple_size or 1

    def reduce(self, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """The list."""
        required = self.width() - self.optional
        kept = [list(row) for row in rows if all(value is not None for value in row[:required])]
        return {"list": [row[0] for row in kept] if self.tuple_size is None else kept}


@dataclass(frozen=True)
class MinMax(Reducer):
    """The smallest and the largest value."""

    def width(self) -> int:
        """One column."""
        return 1

    def reduce(self, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """Both, null where there are no values."""
        values = [plain(row[0]) for row in rows if row[0] is not None]
        return {"min": min(values, default=None), "max": max(values, default=None)}


@dataclass(frozen=True)
class Repeat(Reducer):
    """Copies of a reducer side by side; each output becomes a list."""

    reducer: Reducer
    count: int

    def width(self) -> int:
        """Columns of all copies."""
        return self.reducer.width() * self.count

    def reduce(self, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """The outputs of every copy."""
        width = self.reducer.width()
        parts = [self.reducer.reduce([r[i * width : (i + 1) * width] for r in rows]) for i in range(self.count)]
        return {name: [part[name] for part in parts] for name in parts[0]} if parts else {}


@serves("Reducer.toList")
def to_list(tuple_size: int | None, optional: int) -> ToList:
    """Collect the inputs."""
    return ToList(tuple_size, optional)


@serves("Reducer.minMax")
def min_max() -> MinMax:
    """Both extremes."""
    return MinMax()


@serves("Reducer.repeat")
def repeat(reducer: Reducer, count: int) -> Repeat:
    """Copies of a reducer."""
    return Repeat(reducer, count)


def _single(name: str, function: Callable[[list[Any]], Any]) -> Callable[..., Single]:
    def make(inputs: int = 1) -> Single:
        if inputs != 1:
            raise RequestError(f"Reducer.{name}: this emulator serves one input.")
        return Single(name, function)

    return make


serves("Reducer.count")(_single("count", len))
serves("Reducer.first")(_single("first", lambda values: values[0] if values else None))
serves("Reducer.last")(_single("last", lambda values: values[-1] if values else None))
serves("Reducer.min")(_single("min", lambda values: min(values, default=None)))
serves("Reducer.max")(_single("max", lambda values: max(values, default=None)))
serves("Reducer.sum")(_single("sum", sum))
serves("Reducer.mean")(_single("mean", lambda values: sum(values) / len(values) if values else None))


@serves("Collection.reduceColumns")
def reduce_columns(
    items: Collection, reducer: Reducer, selectors: list[str], weights: list[str] | None
) -> dict[str, Any]:
    """Reduce the selected properties of all elements."""
    if weights:
        raise RequestError("Collection.reduceColumns: this emulator serves no weights.")
    if len(selectors) != reducer.width():
        raise RequestError(
            f"Collection.reduceColumns: the reducer needs {reducer.width()} selectors, got {len(selectors)}."
        )
    return reducer.reduce([[element.get(name) for name in selectors] for element in items.elements()])


@serves("List.reduce")
def reduce_list(items: list[Any], reducer: Reducer) -> Any:
    """Reduce a list; the output alone where there is one."""
    rows = items if reducer.width() > 1 else [[item] for item in items]
    outputs = reducer.reduce(rows)
    return next(iter(outputs.values())) if len(outputs) == 1 else outputs
