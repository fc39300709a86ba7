"""Which maps cover a tile, planned without I/O, and where their pixels lie on it."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.schema.grid import PIXEL_M, PixelGrid, transformer
from pipeline.sources.wms import MapWindow

MARGIN_PX: Final = 2
"""Pixels of the tile's size that a map covers beyond it on every side."""

NODE_PX: Final = 32
"""Map pixels between two places whose position is computed; between them it is joined bilinearly, which over 32 pixels
of 10 m is wrong by about 1 mm."""

WORLD: Final = {"EPSG:3857": 2 * math.pi * 6_378_137.0, "EPSG:4326": 360.0}
"""The way around the Earth along x, in the systems that a map may be drawn in, in their own unit."""


@dataclass(frozen=True)
class PlacedWindow:
    """One map, and where its pixels lie on the tile."""

    window: MapWindow
    turns: float
    """Added to the map's x to get the lattice's: a whole turn where the tile crosses 180 degrees, else 0."""

    def pixels(self, grid: PixelGrid) -> NDArray[np.int64]:
        """The tile's pixel of every map pixel (height, width): row * width + column, or -1 beside the tile."""
        window = self.window
        step_x = (window.right - window.left) / window.width_px
        step_y = (window.top - window.bottom) / window.height_px
        columns, across = _nodes(window.width_px)
        rows, down = _nodes(window.height_px)
        x, y = np.meshgrid(window.left + self.turns + columns * step_x, window.top - rows * step_y)
        east, north = transformer(int(window.crs[5:]), grid.epsg).transform(x, y)
        column = np.floor((down @ east @ across.T - grid.left_m) / grid.pixel_m).astype(np.int64)
        row = np.floor((grid.top_m - down @ north @ across.T) / grid.pixel_m).astype(np.int64)
        outside = (column < 0) | (column >= grid.width_px) | (row < 0) | (row >= grid.height_px)
        return np.where(outside, -1, row * grid.width_px + column)


def plan_windows(grid: PixelGrid, crs: str, oversampling: int, max_px: int) -> list[PlacedWindow]:
    """The maps that cover a tile, each at most `max_px` a side, with `oversampling` map pixels to a pixel a side.

    The lattice of map pixels starts at the 180th meridian and at the equator, so no map crosses either edge of the
    world's map. Raises ValueError for a system that is none of WORLD.
    """
    if crs not in WORLD:
        raise ValueError(f"maps in {crs} are not asked for; expected one of {', '.join(WORLD)}")
    around = WORLD[crs]
    x, y = _outline(grid, crs)
    middle = float(x[0])
    x = middle + (x - middle + around / 2) % around - around / 2
    step_x, step_y = _steps(grid, crs, oversampling)
    first, last = math.floor((x.min() + around / 2) / step_x), math.ceil((x.max() + around / 2) / step_x)
    upper, lower = math.floor(-y.max() / step_y), math.ceil(-y.min() / step_y)
    placed = []
    for left, right in _cut(first, last, max_px, round(around / step_x)):
        turns = around * math.floor((left * step_x + step_x / 2) / around)
        for top, bottom in _cut(upper, lower, max_px, None):
            window = MapWindow(
                crs, left * step_x - around / 2 - turns, -bottom * step_y, right * step_x - around / 2 - turns,
                -top * step_y, right - left, bottom - top,
            )  # fmt: skip
            placed.append(PlacedWindow(window, turns))
    return placed


def _steps(grid: PixelGrid, crs: str, oversampling: int) -> tuple[float, float]:
    """The size of a map pixel in the system's unit, so that it is square on the ground; x divides the world evenly."""
    left, bottom, right, top = grid.bounds_m
    east, north = (left + right) / 2, (bottom + top) / 2
    metres = grid.pixel_m / oversampling
    to_crs = transformer(grid.epsg, int(crs[5:]))
    offsets = np.array([[PIXEL_M, -PIXEL_M, 0.0, 0.0], [0.0, 0.0, PIXEL_M, -PIXEL_M]])
    x, y = to_crs.transform(east + offsets[0], north + offsets[1])
    around = WORLD[crs]
    along = abs((x[0] - x[1] + around / 2) % around - around / 2) / (2 * PIXEL_M)
    up = abs(y[2] - y[3]) / (2 * PIXEL_M)
    return around / math.ceil(around / (along * metres)), float(up * metres)


def _outline(grid: PixelGrid, crs: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points along the tile's outline with its margin, in the map's system."""
    margin = MARGIN_PX * grid.pixel_m
    left, bottom, right, top = grid.bounds_m
    east = np.linspace(left - margin, right + margin, 17)
    north = np.linspace(bottom - margin, top + margin, 17)
    ends = np.ones_like(east)
    x = np.concatenate([east, east, ends * east[0], ends * east[-1]])
    y = np.concatenate([ends * north[0], ends * north[-1], north, north])
    moved_x, moved_y = transformer(grid.epsg, int(crs[5:])).transform(x, y)
    return np.asarray(moved_x), np.asarray(moved_y)


def _cut(first: int, last: int, longest: int, edge: int | None) -> Iterator[tuple[int, int]]:
    """Cut [first, last) into pieces of nearly equal length, at most `longest`, none across a multiple of `edge`."""
    breaks = [first, last]
    if edge is not None:
        breaks += [n * edge for n in range(first // edge + 1, -(-last // edge))]
    breaks.sort()
    for start, end in itertools.pairwise(breaks):
        pieces = -(-(end - start) // longest)
        bounds = [start + (end - start) * piece // pieces for piece in range(pieces + 1)]
        yield from itertools.pairwise(bounds)


def _nodes(size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places along an axis, in pixels, and the weights (size, places) that join them bilinearly at pixel centres."""
    count = max(2, -(-size // NODE_PX) + 1)
    places = np.linspace(0.0, size, count)
    at = (np.arange(size) + 0.5) * (count - 1) / size
    below = np.minimum(at.astype(np.int64), count - 2)
    weights = np.zeros((size, count))
    weights[np.arange(size), below] = 1.0 - (at - below)
    weights[np.arange(size), below + 1] = at - below
    return places, weights
