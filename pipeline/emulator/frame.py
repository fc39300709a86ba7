"""Where a window's pixels lie on the planet: positions on a conformal plane that all UTM zones share."""

import math
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from pipeline.emulator.noise import Coordinates, Float, fractal_noise, key, value_noise
from pipeline.schema.grid import PixelGrid, transformer

NODE_M: Final = 80.0
"""Step of the node lattice, tied to the zone's own zero: what varies slowly is computed there and joined
bilinearly, the same in every window. A UTM zone bends by under a millimetre over one step."""

BEND_M: Final = 38.0
BEND_CELLS_M: Final = (2_100.0, 600.0)
BEND_KEYS: Final = (key(0, "bend-x"), key(0, "bend-y"))

_Array = TypeVar("_Array", Float, Coordinates)

EARTH_M: Final = 6_378_137.0
CIRCUMFERENCE_M: Final = 2 * math.pi * EARTH_M


def cell_count(cell_m: float) -> int:
    """Cells of about that size around the equator, so that noise meets itself at 180 degrees."""
    return max(1, round(CIRCUMFERENCE_M / cell_m))


@dataclass(frozen=True, eq=False)
class Frame:
    """Pixel positions of one window. The plane is spherical Mercator (EPSG:3857), metres at the equator."""

    grid: PixelGrid
    node_lon: Coordinates
    """Longitude of the nodes (rows, columns), degrees."""
    node_lat: Coordinates
    node_x: Coordinates
    """Mercator position of the nodes."""
    node_y: Coordinates
    x: Coordinates
    """Mercator position of the pixels (height, width)."""
    y: Coordinates
    bent_x: Coordinates
    """Mercator position moved by BEND_M of noise, so that fine noise does not show its lattice."""
    bent_y: Coordinates
    column0: int
    """Node number of the first node column: its easting over NODE_M."""
    row0: int
    """Node number of the first node row: its northing over NODE_M, counted to the south."""
    stretch: Float
    """Mercator metres per metre on the ground, at the nodes."""

    @classmethod
    def of(cls, grid: PixelGrid) -> "Frame":
        """The frame of a window."""
        left, bottom, right, top = grid.bounds_m
        column0, column1 = math.floor(left / NODE_M), math.floor(right / NODE_M) + 2
        row0, row1 = math.floor(-top / NODE_M), math.floor(-bottom / NODE_M) + 2
        easting = np.arange(column0, column1) * NODE_M
        northing = -np.arange(row0, row1) * NODE_M
        xx, yy = np.meshgrid(easting, northing)
        lon, lat = transformer(grid.epsg, 4326).transform(xx, yy)
        node_x = np.radians(lon) * EARTH_M
        node_y = np.arcsinh(np.tan(np.radians(lat))) * EARTH_M
        # Beyond 180 degrees a zone's plane goes on without a jump; the noise repeats there.
        meridian = np.radians((grid.epsg % 100) * 6.0 - 183.0) * EARTH_M
        node_x = meridian + (node_x - meridian + CIRCUMFERENCE_M / 2) % CIRCUMFERENCE_M - CIRCUMFERENCE_M / 2
        x, y = _bilinear(node_x, grid, column0, row0), _bilinear(node_y, grid, column0, row0)
        bend = [
            _bilinear(_ground_noise(key_, node_x, node_y, BEND_CELLS_M, None), grid, column0, row0)
            for key_ in BEND_KEYS
        ]
        return cls(
            grid=grid, node_lon=lon, node_lat=lat, node_x=node_x, node_y=node_y, x=x, y=y,
            bent_x=x + BEND_M * bend[0], bent_y=y + BEND_M * bend[1],
            column0=column0, row0=row0, stretch=(1.0 / np.cos(np.radians(lat))).astype(np.float32),
        )  # fmt: skip

    def lift(self, nodes: Float) -> Float:
        """Node values (rows, columns) at the pixels, bilinear."""
        return _bilinear(nodes, self.grid, self.column0, self.row0)

    def slow(self, key_: int, cells_m: tuple[float, ...], weights: tuple[float, ...] | None = None) -> Float:
        """Fractal noise at the nodes, unit variance; cells of 480 m and more."""
        return _ground_noise(key_, self.node_x, self.node_y, cells_m, weights)

    def fine(self, key_: int, cell_m: float) -> Float:
        """One octave of noise at the pixels, unit variance; any cell size."""
        period = cell_count(cell_m)
        return value_noise(key_, self.bent_x, self.bent_y, CIRCUMFERENCE_M / period, period)

    def distance_to_contour(self, key_: int, cell_m: float) -> tuple[Float, Float]:
        """At the nodes, about how far (metres) the zero line of a noise field is, and the field itself."""
        here = _ground_noise(key_, self.node_x, self.node_y, (cell_m,), None)
        step = 40.0
        right = _ground_noise(key_, self.node_x + step, self.node_y, (cell_m,), None)
        up = _ground_noise(key_, self.node_x, self.node_y + step, (cell_m,), None)
        slope = np.hypot(right - here, up - here) / np.float32(step)
        return here / np.maximum(slope, np.float32(0.3 / cell_m)) / self.stretch, here


def _ground_noise(
    key_: int, x: Coordinates, y: Coordinates, cells_m: tuple[float, ...], weights: tuple[float, ...] | None
) -> Float:
    periods = tuple(cell_count(cell) for cell in cells_m)
    cells = tuple(CIRCUMFERENCE_M / period for period in periods)
    return fractal_noise(key_, x, y, cells, weights or (1.0,) * len(cells), periods)


def _bilinear(nodes: _Array, grid: PixelGrid, column0: int, row0: int) -> _Array:
    x, y = grid.centres_m()
    u, v = x / NODE_M, -y / NODE_M
    left, upper = np.floor(u).astype(np.int64), np.floor(v).astype(np.int64)
    tu = (u - left).astype(nodes.dtype)[None, :]
    tv = (v - upper).astype(nodes.dtype)[:, None]
    left, upper = left - column0, upper - row0
    across = nodes[:, left] + tu * (nodes[:, left + 1] - nodes[:, left])
    return across[upper] + tv * (across[upper + 1] - across[upper])


def purpose(seed: int, name: str) -> int:
    """The key of one of the planet's fields."""
    return key(seed, "planet", name)
