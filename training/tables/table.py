"""A table before it is written in any format."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean, stdev
from typing import Any, Literal

Origin = Literal["paper", "ours"]


@dataclass(frozen=True)
class Cell:
    """One figure, percent; of a difference, percentage points."""

    value: float
    spread: float | None = None
    """Sample standard deviation over the seeds; None where there is none."""
    interval: tuple[float, float] | None = None
    """Confidence interval of a difference."""
    difference: bool = False
    """Whether `value` is a difference, which is written with its sign."""
    arena: tuple[object, ...] | None = None
    """What this figure may be compared with for the best of its column; None: it takes no part."""
    decimals: int = 2
    """As in the paper, which prints fewer here and there."""
    bold: bool = False
    """The best of its column, or a difference whose interval leaves out 0."""

    def as_json(self) -> dict[str, Any]:
        """The figure as plain data, with every digit."""
        interval = None if self.interval is None else list(self.interval)
        return {"value": self.value, "spread": self.spread, "interval": interval, "bold": self.bold}


@dataclass(frozen=True)
class Row:
    """A row: words first, then figures."""

    words: tuple[str, ...]
    cells: tuple[Cell | None, ...]
    """None where there is no figure."""
    origin: Origin
    block: str
    """A rule is drawn where this changes from one row to the next."""


@dataclass(frozen=True)
class Table:
    """A table with the heads of its columns."""

    key: str
    """Short name, for links and labels."""
    title: str
    word_heads: tuple[str, ...]
    """Heads of the columns of words."""
    heads: tuple[tuple[str, ...], ...]
    """Heads of the columns of figures, from the outermost to the innermost; all equally many."""
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    main_word: int = 0
    """Which column of words tells a row apart; it stays in sight where the table is wider than the screen."""

    def as_json(self) -> dict[str, Any]:
        """The table as plain data; figures with every digit, null where there is none."""
        return {
            "key": self.key,
            "title": self.title,
            "word_heads": list(self.word_heads),
            "heads": [list(head) for head in self.heads],
            "rows": [
                {
                    "origin": row.origin,
                    "words": list(row.words),
                    "cells": [None if cell is None else cell.as_json() for cell in row.cells],
                }
                for row in self.rows
            ],
            "notes": list(self.notes),
        }


def score_cell(values: Sequence[float | None], arena: tuple[object, ...] | None = None) -> Cell | None:
    """Mean and sample standard deviation of scores of 0..1 over the seeds; None where there is no score."""
    known = [100.0 * value for value in values if value is not None]
    if not known:
        return None
    return Cell(mean(known), stdev(known) if len(known) > 1 else None, arena=arena)


def with_best(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Mark the highest figure of every column among those of one arena, ties all of them.

    A figure that has nothing to be compared with is not marked.
    """
    columns = [_marked([row.cells[index] for row in rows]) for index in range(len(rows[0].cells))] if rows else []
    return tuple(
        replace(row, cells=tuple(column[number] for column in columns)) if columns else row
        for number, row in enumerate(rows)
    )


def _marked(column: Sequence[Cell | None]) -> list[Cell | None]:
    values: dict[tuple[object, ...], list[float]] = {}
    for cell in column:
        if cell is not None and cell.arena is not None:
            values.setdefault(cell.arena, []).append(cell.value)
    best = {arena: max(found) for arena, found in values.items() if len(found) > 1}
    return [
        replace(cell, bold=True) if cell is not None and cell.arena in best and cell.value == best[cell.arena] else cell
        for cell in column
    ]
