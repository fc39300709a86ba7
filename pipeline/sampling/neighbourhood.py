"""Which patches share ground: a spatial index in space, which knows no date line and no pole."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.spatial import cKDTree
from shapely import Polygon, box

from pipeline.schema.grid import PATCH_PX, PIXEL_M, PixelGrid, transformer
from pipeline.schema.records import Location

REACH_M = 3750.0
"""Patches whose centres are farther apart share no ground: the diagonal at UTM's smallest scale, 0.9996 (3735 m),
and 7.1 m that each centre may be moved by the snapping to the 10 m grid."""

ZONE_MARGIN_M = 1.0
"""Patches of two zones stay this far apart; a patch's edge bends by less when it is drawn in the other zone."""

_WGS84_A_M, _WGS84_E2 = 6_378_137.0, 6.69437999014e-3

Point = tuple[float, float, float]


def share_ground(one: PixelGrid, other: PixelGrid) -> bool:
    """Whether two patches near each other overlap; to the pixel in one zone, to ZONE_MARGIN_M across zones."""
    left, bottom, right, top = one.bounds_m
    if one.epsg == other.epsg:
        other_left, other_bottom, other_right, other_top = other.bounds_m
        return left < other_right and other_left < right and bottom < other_top and other_bottom < top
    west, south, east, north = other.bounds_m
    x, y = transformer(other.epsg, one.epsg).transform([west, east, east, west], [south, south, north, north])
    outline = Polygon(list(zip(x, y, strict=True)))
    return bool(box(left, bottom, right, top).distance(outline) < ZONE_MARGIN_M)


class Neighbourhood:
    """Patches that share no ground."""

    def __init__(self) -> None:
        assert math.hypot(PATCH_PX * PIXEL_M, PATCH_PX * PIXEL_M) / 0.9996 + 14.2 < REACH_M
        self._cells: dict[tuple[int, int, int], list[tuple[Point, PixelGrid]]] = {}

    def add_if_free(self, lon_deg: float, lat_deg: float, grid: PixelGrid) -> bool:
        """Add the patch around a point unless it shares ground with an earlier one; say whether it was added."""
        point = _in_space(lon_deg, lat_deg)
        for other, other_grid in self._near(point):
            if math.dist(point, other) < REACH_M and share_ground(grid, other_grid):
                return False
        self._cells.setdefault(_cell(point), []).append((point, grid))
        return True

    def _near(self, point: Point) -> Iterator[tuple[Point, PixelGrid]]:
        i, j, k = _cell(point)
        for di in (-1, 0, 1):
            for dj in (-1, 0, 1):
                for dk in (-1, 0, 1):
                    yield from self._cells.get((i + di, j + dj, k + dk), ())


def count_sharing(locations: Sequence[Location]) -> int:
    """How many of the locations share ground with another of them."""
    if not locations:
        return 0
    points = np.array([_in_space(place.lon_deg, place.lat_deg) for place in locations])
    sharing: set[int] = set()
    for one, other in cKDTree(points).query_pairs(REACH_M, output_type="ndarray").tolist():
        if not sharing.issuperset((one, other)) and share_ground(locations[one].grid, locations[other].grid):
            sharing.update((one, other))
    return len(sharing)


def _in_space(lon_deg: float, lat_deg: float) -> Point:
    """Metres from the Earth's centre (WGS 84, geodetic to geocentric Cartesian: EPSG method 9602)."""
    lon, lat = math.radians(lon_deg), math.radians(lat_deg)
    normal = _WGS84_A_M / math.sqrt(1.0 - _WGS84_E2 * math.sin(lat) ** 2)
    ring = normal * math.cos(lat)
    return (ring * math.cos(lon), ring * math.sin(lon), normal * (1.0 - _WGS84_E2) * math.sin(lat))


def _cell(point: Point) -> tuple[int, int, int]:
    return (math.floor(point[0] / REACH_M), math.floor(point[1] / REACH_M), math.floor(point[2] / REACH_M))
