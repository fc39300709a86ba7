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


def nearest(source: Pixels, cut: Cut, located: Located) -> Pixels:
    """The source pixel that each position lies in; masked outside the window `cut` that `source` covers."""
    height, width = source.values.shape
    shape = np.broadcast_shapes(located.columns.shape, located.rows.shape)
    if cut.empty:
        return Pixels(np.zeros(shape, source.values.dtype), np.zeros(shape, np.bool_))
    column, inside_column = _indices(located.columns, cut.column0, width)
    row, inside_row = _indices(located.rows, cut.row0, height)
    inside = inside_row & inside_column
    if located.separable:
        values = source.values.take(row[:, 0], axis=0).take(column[0], axis=1)
        valid = source.valid.take(row[:, 0], axis=0).take(column[0], axis=1) & inside
    else:
        values, valid = source.values[row, column], source.valid[row, column] & inside
    return Pixels(values, valid)


def _indices(position: NDArray[np.float64], origin: int, size: int) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    index = np.floor(np.nan_to_num(position, nan=-1e9, posinf=1e9, neginf=-1e9)).astype(np.intp) - origin
    return np.clip(index, 0, size - 1), (index >= 0) & (index < size)


def bilinear(source: Pixels, cut: Cut, located: Located) -> Pixels:
    """Interpolate between the four nearest pixel centres.

    Masked where the nearest pixel is; where another of the four is masked or lies outside, the nearest value stands.
    How Earth Engine treats such edges is not documented.
    """
    closest = nearest(source, cut, located)
    if cut.empty:
        return closest
    height, width = source.values.shape
    centre = Located(located.columns - 0.5, located.rows - 0.5)
    left, inside_left = _indices(centre.columns, cut.column0, width)
    upper, inside_upper = _indices(centre.rows, cut.row0, height)
    x = np.nan_to_num(centre.columns - np.floor(centre.columns)).astype(np.float32)
    y = np.nan_to_num(centre.rows - np.floor(centre.rows)).astype(np.float32)
    right, inside_right = _next(left, x, width)
    lower, inside_lower = _next(upper, y, height)
    values = source.values.astype(np.float32, copy=False)

    def at(row: NDArray[np.intp], column: NDArray[np.intp]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        if located.separable:
            picked = values.take(row[:, 0], axis=0).take(column[0], axis=1)
            return picked, source.valid.take(row[:, 0], axis=0).take(column[0], axis=1)
        return values[row, column], source.valid[row, column]

    (v00, m00), (v01, m01) = at(upper, left), at(upper, right)
    (v10, m10), (v11, m11) = at(lower, left), at(lower, right)
    top, bottom = v00 + x * (v01 - v00), v10 + x * (v11 - v10)
    whole = m00 & m01 & m10 & m11 & inside_left & inside_right & inside_upper & inside_lower
    return Pixels(np.where(whole, top + y * (bottom - top), closest.values), closest.valid)


def _next(
    index: NDArray[np.intp], fraction: NDArray[np.float32], size: int
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The neighbour towards which to interpolate: the pixel itself where its own centre is hit."""
    step = np.where(fraction > 0, index + 1, index)
    return np.minimum(step, size - 1), step < size
