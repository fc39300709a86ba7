"""Pixels of one lattice from a window of another: nearest neighbour and bilinear."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.emulator.lattice import Located


@dataclass(frozen=True)
class Pixels:
    """Pixels of one band."""

    values: NDArray[Any]
    """(height, width)."""
    valid: NDArray[np.bool_]
    """(height, width); False where masked."""


@dataclass(frozen=True)
class Cut:
    """A rectangle of a lattice, [column0, column1) x [row0, row1)."""

    column0: int
    row0: int
    column1: int
    row1: int

    @property
    def empty(self) -> bool:
        """Whether it holds no pixel."""
        return self.column1 <= self.column0 or self.row1 <= self.row0

    def union(self, other: "Cut") -> "Cut":
        """The smallest rectangle around both."""
        if self.empty or other.empty:
            return other if self.empty else self
        return Cut(
            min(self.column0, other.column0),
            min(self.row0, other.row0),
            max(self.column1, other.column1),
            max(self.row1, other.row1),
        )

    def within(self, width: int, height: int) -> "Cut":
        """The part inside a lattice of that size."""
        return Cut(max(self.column0, 0), max(self.row0, 0), min(self.column1, width), min(self.row1, height))


def needed(located: Located, margin: int) -> Cut:
    """The rectangle of source pixels that `located` falls on, with a margin; non-finite positions are left out."""
    columns, rows = located.columns, located.rows
    finite = np.isfinite(columns) & np.isfinite(rows)
    if not finite.any():
        return Cut(0, 0, 0, 0)
    if not finite.all():
        columns, rows = np.where(finite, columns, np.nan), np.where(finite, rows, np.nan)
    return Cut(
        int(np.floor(np.nanmin(columns))) - margin,
        int(np.floor(np.nanmin(rows))) - margin,
        int(np.floor(np.nanmax(columns))) + margin + 1,
        int(np.floor(np.nanmax(rows))) + margin + 1,
    )


@dataclass(frozen=True)
class Nearest:
    """For each position the source pixel that it lies in; masked outside the cut."""

    column: NDArray[np.intp]
    row: NDArray[np.intp]
    inside: NDArray[np.bool_]
    """(height, width); whether the position lies in the cut."""
    separable: bool

    def apply(self, source: Pixels) -> Pixels:
        """Sample a band that covers the cut."""
        if source.values.size == 0:
            return Pixels(np.zeros(self.inside.shape, source.values.dtype), np.zeros(self.inside.shape, np.bool_))
        values = pick(source.values, self.row, self.column, self.separable)
        return Pixels(values, pick(source.valid, self.row, self.column, self.separable) & self.inside)


@dataclass(frozen=True)
class Bilinear:
    """For each position the four nearest pixel centres and the place between them.

    Masked where the nearest pixel is; where another of the four is masked or lies outside, the nearest value stands.
    How Earth Engine treats such edges is not documented.
    """

    nearest: Nearest
    columns: tuple[NDArray[np.intp], NDArray[np.intp]]
    """Left and right."""
    rows: tuple[NDArray[np.intp], NDArray[np.intp]]
    """Upper and lower."""
    x: NDArray[np.float32]
    """0 at the left centre, towards 1 at the right one."""
    y: NDArray[np.float32]
    """0 at the upper centre, towards 1 at the lower one."""
    inside: NDArray[np.bool_]
    """(height, width); whether all four lie in the cut."""

    def apply(self, source: Pixels) -> Pixels:
        """Sample a band that covers the cut."""
        closest = self.nearest.apply(source)
        if source.values.size == 0 or not (self.x.any() or self.y.any()):
            return closest
        values = source.values.astype(np.float32, copy=False)
        left, right = self.columns
        upper, lower = self.rows
        split = self.nearest.separable
        top = _between(pick(values, upper, left, split), pick(values, upper, right, split), self.x)
        bottom = _between(pick(values, lower, left, split), pick(values, lower, right, split), self.x)
        whole = self.inside
        if not source.valid.all():
            corners = [pick(source.valid, row, column, split) for row in self.rows for column in self.columns]
            whole = np.logical_and.reduce([whole, *corners])
        blended = _between(top, bottom, self.y)
        return Pixels(blended if whole.all() else np.where(whole, blended, closest.values), closest.valid)


def pick(array: NDArray[Any], row: NDArray[np.intp], column: NDArray[np.intp], separable: bool) -> NDArray[Any]:
    """array[row, column]; faster where rows are (height, 1) and columns (1, width)."""
    by_row = array.take(row[:, 0], axis=0).take(column[0], axis=1) if separable else array[row, column]
    return np.asarray(by_row)


def _between(one: NDArray[Any], two: NDArray[Any], share: NDArray[np.float32]) -> NDArray[Any]:
    """one + share * (two - one): exact where both are the same, so that later truncation loses nothing."""
    two -= one
    two *= share
    two += one
    return two


def nearest_taps(located: Located, cut: Cut) -> Nearest:
    """Prepare nearest-neighbour sampling of bands that cover `cut`."""
    column, inside_column = _indices(located.columns, cut.column0, cut.column1)
    row, inside_row = _indices(located.rows, cut.row0, cut.row1)
    return Nearest(column, row, inside_row & inside_column, located.separable)


def bilinear_taps(located: Located, cut: Cut) -> Bilinear:
    """Prepare bilinear sampling of bands that cover `cut`."""
    columns, rows = located.columns - 0.5, located.rows - 0.5
    left, inside_left = _indices(columns, cut.column0, cut.column1)
    upper, inside_upper = _indices(rows, cut.row0, cut.row1)
    x, y = _fraction(columns), _fraction(rows)
    right, inside_right = _next(left, x, cut.column1 - cut.column0)
    lower, inside_lower = _next(upper, y, cut.row1 - cut.row0)
    inside = inside_left & inside_right & inside_upper & inside_lower
    return Bilinear(nearest_taps(located, cut), (left, right), (upper, lower), x, y, inside)


def _fraction(position: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(np.nan_to_num(position - np.floor(position)), np.float32)


def _indices(position: NDArray[np.float64], first: int, end: int) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Pixel indices counted from `first`, held within [first, end), and which needed no holding."""
    index = np.floor(np.nan_to_num(position, nan=-1e9, posinf=1e9, neginf=-1e9)).astype(np.intp) - first
    size = end - first
    return np.clip(index, 0, max(size - 1, 0)), (index >= 0) & (index < size)


def _next(
    index: NDArray[np.intp], fraction: NDArray[np.float32], size: int
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The neighbour towards which to interpolate: the pixel itself where its own centre is hit."""
    step = np.where(fraction > 0, index + 1, index)
    return np.minimum(step, max(size - 1, 0)), step < size
