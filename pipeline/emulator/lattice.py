"""Pixel lattices in any coordinate system, and where one lattice's pixels fall on another."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
import pyproj
from numpy.typing import NDArray
from pyproj.exceptions import CRSError

from pipeline.emulator.replies import RequestError

Value = TypeVar("Value")

WGS84: Final = "EPSG:4326"
IDENTITY: Final = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)

METRES_PER_DEGREE: Final = 6_378_137.0 * np.pi / 180.0
"""Nominal scale of a geographic projection in degrees, at the equator of WGS84."""


@functools.lru_cache(maxsize=512)
def crs_transformer(source: str, target: str) -> pyproj.Transformer:
    """A cached transformer between two coordinate systems; x = easting or longitude."""
    return pyproj.Transformer.from_crs(parsed_crs(source), parsed_crs(target), always_xy=True)


@functools.lru_cache(maxsize=512)
def parsed_crs(crs: str) -> pyproj.CRS:
    """The coordinate system of an authority code or WKT; RequestError where there is none such."""
    try:
        return pyproj.CRS.from_user_input(crs)
    except CRSError:
        raise RequestError(f"Projection: The CRS of a projection '{crs}' could not be parsed.") from None


@dataclass(frozen=True)
class Projection:
    """A coordinate system with a lattice of pixels: crs coordinates = transform(column, row)."""

    crs: str = WGS84
    """Authority code or WKT."""
    transform: tuple[float, ...] = IDENTITY
    """(xScale, xShear, xTranslate, yShear, yScale, yTranslate)."""

    @property
    def sheared(self) -> bool:
        """Whether columns or rows do not run along the axes."""
        return bool(self.transform[1] or self.transform[3])

    @property
    def nominal_scale_m(self) -> float:
        """Metres per pixel where the projection is true to scale."""
        crs = parsed_crs(self.crs)
        unit = METRES_PER_DEGREE if crs.is_geographic else crs.axis_info[0].unit_conversion_factor
        a, b, _, d, e, _ = self.transform
        return float(np.sqrt(abs(a * e - b * d)) * unit)

    def scaled(self, x: float, y: float) -> "Projection":
        """The lattice with pixels x and y times as large, its origin kept."""
        a, b, c, d, e, f = self.transform
        return Projection(self.crs, (a * x, b * y, c, d * x, e * y, f))

    def at_scale(self, metres: float) -> "Projection":
        """The lattice with pixels of that nominal size."""
        factor = metres / self.nominal_scale_m
        return self.scaled(factor, factor)

    def shifted(self, columns: int, rows: int) -> "Projection":
        """The same lattice counted from another pixel."""
        a, b, c, d, e, f = self.transform
        moved = (a, b, c + a * columns + b * rows, d, e, f + d * columns + e * rows)
        return Projection(self.crs, moved)


@dataclass(frozen=True)
class GridWindow:
    """A rectangle of pixels; `projection` counts from its upper left corner."""

    projection: Projection
    width: int
    height: int


@dataclass(frozen=True)
class Located:
    """Pixel centres of a window in the pixel units of another lattice; a pixel's centre is at +0.5."""

    columns: NDArray[np.float64]
    """(1, width) where separable, else (height, width)."""
    rows: NDArray[np.float64]
    """(height, 1) where separable, else (height, width)."""

    @property
    def separable(self) -> bool:
        """Whether columns depend on the column only and rows on the row only."""
        return bool(self.columns.shape[0] == 1 and self.rows.shape[1] == 1)


class Frame:
    """Remembers positions within one request: many bands share a lattice."""

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}

    def once(self, key: Any, make: Callable[[], Value]) -> Value:
        """What `make` gives, made once a key."""
        if key not in self._known:
            self._known[key] = make()
        known: Value = self._known[key]
        return known

    def positions(self, window: GridWindow, crs: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """x and y of the pixel centres in `crs`: (1, width) and (height, 1) where possible."""
        return self.once((window, crs), lambda: _positions(window, crs))

    def locate(self, window: GridWindow, lattice: Projection) -> Located:
        """Where the window's pixel centres fall on `lattice`."""
        return self.once((window, lattice), lambda: _to_lattice(*self.positions(window, lattice.crs), lattice))


def _positions(window: GridWindow, crs: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    a, b, c, d, e, f = window.projection.transform
    column = (np.arange(window.width) + 0.5)[None, :]
    row = (np.arange(window.height) + 0.5)[:, None]
    if window.projection.sheared:
        x = np.asarray(a * column + b * row + c)
        y = np.asarray(d * column + e * row + f)
    else:
        x, y = np.asarray(a * column + c), np.asarray(e * row + f)
    if crs == window.projection.crs:
        return x, y
    full = np.broadcast_arrays(x, y)
    moved_x, moved_y = crs_transformer(window.projection.crs, crs).transform(full[0], full[1])
    return np.asarray(moved_x), np.asarray(moved_y)


def _to_lattice(x: NDArray[np.float64], y: NDArray[np.float64], lattice: Projection) -> Located:
    a, b, c, d, e, f = lattice.transform
    determinant = a * e - b * d
    if determinant == 0:
        raise RequestError("Projection: the transform cannot be inverted.")
    if not lattice.sheared:
        return Located((x - c) / a, (y - f) / e)
    dx, dy = np.broadcast_arrays(x - c, y - f)
    return Located((e * dx - b * dy) / determinant, (a * dy - d * dx) / determinant)
