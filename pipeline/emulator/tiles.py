"""The Sentinel-2 tiling grid: 100 km squares of the Military Grid Reference System, widened to 109.8 km."""

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shapely import Polygon, box

from pipeline.emulator.coast import coast
from pipeline.schema.grid import PixelGrid, transformer, utm_epsg

BAND_LETTERS: Final = "CDEFGHJKLMNPQRSTUVWX"
COLUMN_LETTERS: Final = ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")
ROW_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUV"
SQUARE_M: Final = 100_000
TILE_PX: Final = 10_980
"""Side of a tile at 10 m (109.8 km); ESA Sentinel-2 User Handbook, tiling grid."""
SOUTH_SHIFT: Final = 100
"""Squares by which southern northings are shifted (10,000 km)."""
LATITUDES: Final = (-56.0, 78.0)
NAME: Final = re.compile(r"^T?(\d{2})([C-HJ-NP-X])([A-HJ-NP-Z])([A-HJ-NP-V])$")


@dataclass(frozen=True)
class Tile:
    """One tile of the grid."""

    name: str
    """Like 33TWL."""
    grid: PixelGrid
    """The tile at 10 m."""
    lon_deg: float
    """Longitude of the centre of the 100 km square."""
    lat_deg: float

    @property
    def square_m(self) -> Polygon:
        """The whole tile in its zone's metres."""
        return box(*self.grid.bounds_m)


def tile_grid(epsg: int, east: int, north: int) -> PixelGrid:
    """The tile's 10 m grid from its square's numbers; the upper left corner lies on whole 60 m pixels."""
    left = math.floor(SQUARE_M * east / 60) * 60
    top = math.ceil(SQUARE_M * (north + 1) / 60) * 60
    return PixelGrid(epsg, float(left), float(top), TILE_PX, TILE_PX)


def _band(lat_deg: float) -> str:
    return BAND_LETTERS[min(max(int((lat_deg + 80.0) // 8.0), 0), 19)]


@lru_cache(maxsize=4096)
def tile_at(epsg: int, east: int, north: int) -> Tile | None:
    """The tile of a square, by hundreds of kilometres from the zone's zero; None where the grid has no land tile."""
    if not 1 <= east <= 8 or north < 0:
        return None
    south = epsg >= 32700
    zone = epsg % 100
    left, bottom = east * SQUARE_M, north * SQUARE_M
    x = [left, left + SQUARE_M, left, left + SQUARE_M, left + SQUARE_M // 2]
    y = [bottom, bottom, bottom + SQUARE_M, bottom + SQUARE_M, bottom + SQUARE_M // 2]
    lon, lat = transformer(epsg, 4326).transform(x, y)
    middle = min(max(lat[4], -79.9), 83.9)
    if (middle < 0) != south or not LATITUDES[0] <= middle <= LATITUDES[1]:
        return None
    if all(utm_epsg(a, min(max(b, -79.9), 83.9)) % 100 != zone for a, b in zip(lon, lat, strict=True)):
        return None
    west, eastern = min(lon), max(lon)
    if eastern - west > 180.0:
        west, eastern = eastern, west + 360.0
    if not coast().any_land(west, min(lat), eastern, max(lat)):
        return None
    column = COLUMN_LETTERS[(zone - 1) % 3][east - 1]
    row = ROW_LETTERS[(north % 20 + (5 if zone % 2 == 0 else 0)) % 20]
    name = f"{zone:02d}{_band(middle)}{column}{row}"
    return Tile(name, tile_grid(epsg, east, north), lon[4], lat[4])


@lru_cache(maxsize=4096)
def tile_named(name: str) -> Tile | None:
    """The tile of that name (with or without the leading T), or None."""
    match = NAME.match(name)
    if match is None:
        return None
    zone, band, column, row = int(match[1]), match[2], match[3], match[4]
    letters = COLUMN_LETTERS[(zone - 1) % 3] if 1 <= zone <= 60 else ""
    if column not in letters:
        return None
    low = -80.0 + 8.0 * BAND_LETTERS.index(band)
    epsg = (32600 if low >= 0 else 32700) + zone
    wanted = (ROW_LETTERS.index(row) - (5 if zone % 2 == 0 else 0)) % 20
    around = round(((low + 4.0) * 110_600.0 + (SOUTH_SHIFT * SQUARE_M if low < 0 else 0)) / SQUARE_M)
    for north in range(around - 10, around + 11):
        if north % 20 == wanted:
            found = tile_at(epsg, letters.index(column) + 1, north)
            if found is not None and found.name == name.removeprefix("T"):
                return found
    return None


def tiles_over(region: Polygon) -> list[Tile]:
    """Land tiles whose square meets the box around a region (degrees); sorted by name."""
    west, south, east, north = region.bounds
    found: dict[str, Tile] = {}
    middle = (south + north) / 2
    zones = {utm_epsg(lon, lat) for lon in _steps(west, east) for lat in (south, middle, north)}
    zones |= {_neighbour(epsg, step) for epsg in tuple(zones) for step in (-1, 1)}
    if south < 1.0 and north > -1.0:
        zones |= {epsg % 100 + base for epsg in tuple(zones) for base in (32600, 32700)}
    for epsg in sorted(zones):
        x0, y0, x1, y1 = transformer(4326, epsg).transform_bounds(west, south, east, north)
        if not all(map(math.isfinite, (x0, y0, x1, y1))) or x1 < 0 or x0 > 1_000_000 or x1 - x0 > 3_000_000:
            continue
        for column in range(int((x0 - 109_800) // SQUARE_M), int(x1 // SQUARE_M) + 1):
            for row in range(int((y0 - SQUARE_M) // SQUARE_M), int((y1 + 9_900) // SQUARE_M) + 1):
                tile = tile_at(epsg, column, row)
                if tile is not None and tile.square_m.intersects(box(x0, y0, x1, y1)):
                    found[tile.name] = tile
    return [found[name] for name in sorted(found)]


def _steps(west: float, east: float) -> list[float]:
    count = max(2, math.ceil((east - west) / 3.0) + 1)
    return [((west + (east - west) * i / (count - 1)) + 180.0) % 360.0 - 180.0 for i in range(count)]


def _neighbour(epsg: int, step: int) -> int:
    return epsg - epsg % 100 + (epsg % 100 - 1 + step) % 60 + 1
