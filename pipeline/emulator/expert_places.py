"""Where and when expert tiles are drawn: over the planet's own Sentinel-2 scenes, on four quarters of the globe."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final, Literal

import numpy as np
from shapely import Polygon

from pipeline.emulator.catalogue_s2 import cloudy_pct
from pipeline.emulator.cities import cities
from pipeline.emulator.noise import key, unit
from pipeline.emulator.scene import S1_COLLECTION, S2_COLLECTION, EmulatedScene, TrueWorld
from pipeline.emulator.truth import WATER, Classes
from pipeline.schema.errors import NoldoError
from pipeline.schema.grid import PIXEL_M, PixelGrid, patch_grid, transformer

Lack = Literal["", "S2", "S1"]

FIRST_DAY: Final = datetime(2018, 1, 1, tzinfo=UTC)
DAYS: Final = 720
"""Most published tiles are of 2018 and 2019 (PANGAEA 933475)."""
QUARTERS: Final = ((1, 1), (-1, 1), (1, -1), (-1, -1))
"""Signs of longitude and latitude, in turn."""
LATITUDES: Final = (-54.0, 68.0)
CITY_KM: Final = (4.0, 30.0)
"""How far from a city a tile lies."""
APART_KM: Final = 60.0
WINDOW_DAYS: Final = 15
"""A scene further from the label's day than this is no partner of a tile."""
REVISIT: Final = timedelta(days=12)
"""After which one Sentinel-1 satellite comes back (ESA, Sentinel-1 user guide, revisit and coverage)."""
CLEAR_PCT: Final = 20.0
"""Sentinel-2 scenes below this cloud cover can be partners."""
LABELLED_PCT: Final = 60.0
"""Cloudier scenes are not given to experts."""
MAX_WATER: Final = 0.8
MIN_SHARE: Final = 0.03
"""Of a class, to count among the two that a tile must show."""
ATTEMPTS: Final = 400


@dataclass(frozen=True, eq=False)
class ExpertPlace:
    """One tile to be labelled."""

    scene: EmulatedScene
    """The Sentinel-2 scene that the experts look at."""
    grid: PixelGrid
    cover: Classes
    """(height, width) true land cover at the scene's time."""
    lon_deg: float
    """Of the tile's centre."""
    lat_deg: float
    lacks: Lack
    """The sensor without any scene within WINDOW_DAYS; empty where both can be paired."""

    @property
    def day(self) -> datetime:
        """Midnight UTC of the scene's day."""
        return self.scene.time.replace(hour=0, minute=0, second=0, microsecond=0)


def choose_places(
    world: TrueWorld, seed: int, split: str, count: int, size_px: int, *, all_paired: bool = False
) -> Iterator[ExpertPlace]:
    """Seeded places of one split, far from one another: of every eight one lacks S2, of every ten one lacks S1.

    `all_paired`: none lacks anything. Raises NoldoError where the planet has too few such places.
    """
    found: list[ExpertPlace] = []
    for number in range(count):
        lacks: Lack = "" if all_paired else "S2" if number % 8 == 5 else "S1" if number % 10 == 9 else ""
        tries = (_place(world, key(seed, "expert", split, number, k), number, size_px, lacks) for k in range(ATTEMPTS))
        place = next((p for p in tries if p is not None and _apart(p, found)), None)
        if place is None:
            raise NoldoError(f"planet {seed} has no place for {split} tile {number}; ask for fewer, or another seed")
        found.append(place)
        yield place


def nearest_radar(world: TrueWorld, place: ExpertPlace) -> EmulatedScene:
    """The Sentinel-1 scene of a place that lacks none, nearest in time to the Sentinel-2 scene."""
    about = timedelta(days=WINDOW_DAYS - 1)
    found = _over(
        world, S1_COLLECTION, place.grid.footprint_lonlat(), place.scene.time - about, place.scene.time + about
    )
    return min(found, key=lambda scene: abs(scene.time - place.scene.time))


def _place(world: TrueWorld, key_: int, number: int, size_px: int, lacks: Lack) -> ExpertPlace | None:
    lon, lat = _beside_a_city(key_, QUARTERS[number % len(QUARTERS)])
    try:
        region = patch_grid(lon, lat, size_px).footprint_lonlat()
    except ValueError:
        return None
    chosen = next(_without_a_partner(world, region, lacks) if lacks else _with_both(world, key_, region), None)
    if chosen is None:
        return None
    grid = _grid_in(chosen.grid.epsg, lon, lat, size_px)
    half = timedelta(days=WINDOW_DAYS - 1)
    if not chosen.footprint.contains(grid.footprint_lonlat()):
        return None
    if not lacks and not _over(world, S1_COLLECTION, grid.footprint_lonlat(), chosen.time - half, chosen.time + half):
        return None
    cover = world.truth(grid, chosen.time)
    shares = np.bincount(cover.ravel(), minlength=9) / cover.size
    if shares[WATER] > MAX_WATER or np.count_nonzero(shares >= MIN_SHARE) < 2:
        return None
    centre = grid.footprint_lonlat().centroid
    return ExpertPlace(chosen, grid, cover, centre.x, centre.y, lacks)


def _beside_a_city(key_: int, quarter: tuple[int, int]) -> tuple[float, float]:
    known = cities()
    inside = (known.lon_deg * quarter[0] >= 0) & (known.lat_deg * quarter[1] >= 0)
    inside &= (known.lat_deg > LATITUDES[0]) & (known.lat_deg < LATITUDES[1])
    members = np.flatnonzero(inside)
    city = members[int(unit(key(key_, "city")) * len(members))]
    turn = 2 * math.pi * unit(key(key_, "turn"))
    away_km = CITY_KM[0] + (CITY_KM[1] - CITY_KM[0]) * unit(key(key_, "away"))
    lat = float(known.lat_deg[city]) + away_km / 111.0 * math.cos(turn)
    lon = float(known.lon_deg[city]) + away_km / (111.0 * math.cos(math.radians(lat))) * math.sin(turn)
    return (lon + 180.0) % 360.0 - 180.0, lat


def _over(world: TrueWorld, collection: str, region: Polygon, start: datetime, end: datetime) -> list[EmulatedScene]:
    """Scenes that contain the region, by time; of Sentinel-1 those with both polarisations."""
    found = world.search(collection, region, start, end)
    radar = collection == S1_COLLECTION
    return [scene for scene in found if scene.footprint.contains(region) and not (radar and "VH" not in scene.bands)]


def _with_both(world: TrueWorld, key_: int, region: Polygon) -> Iterator[EmulatedScene]:
    """Clear scenes of a month about whose day Sentinel-1 saw the region."""
    start = FIRST_DAY + timedelta(days=int(DAYS * unit(key(key_, "day"))))
    half = timedelta(days=WINDOW_DAYS - 1)
    for scene in _over(world, S2_COLLECTION, region, start, start + 2 * half):
        if cloudy_pct(scene) < CLEAR_PCT and _over(world, S1_COLLECTION, region, scene.time - half, scene.time + half):
            yield scene


def _without_a_partner(world: TrueWorld, region: Polygon, lacks: Lack) -> Iterator[EmulatedScene]:
    """Scenes that experts may label, about whose day that sensor has no partner and the other has."""
    end = FIRST_DAY + timedelta(days=DAYS)
    if lacks == "S1" and len(_over(world, S1_COLLECTION, region, FIRST_DAY, FIRST_DAY + REVISIT)) > 1:
        return  # seen from several tracks, it is hardly ever missed
    radar = [scene.time for scene in _over(world, S1_COLLECTION, region, FIRST_DAY, end)]
    if lacks == "S1" and not _pauses(radar):
        return
    optical = _over(world, S2_COLLECTION, region, FIRST_DAY, end)
    clear = [scene.time for scene in optical if cloudy_pct(scene) < CLEAR_PCT]
    for scene in optical:
        if lacks == "S1":
            fits = cloudy_pct(scene) < CLEAR_PCT and not _near(scene.time, radar, WINDOW_DAYS + 1)
        else:
            fits = cloudy_pct(scene) < LABELLED_PCT and not _near(scene.time, clear, WINDOW_DAYS + 1)
            fits = fits and _near(scene.time, radar, WINDOW_DAYS - 1)
        if fits:
            yield scene


def _pauses(times: Sequence[datetime]) -> bool:
    """Whether some day has none of these times about it."""
    known = [FIRST_DAY, *times, FIRST_DAY + timedelta(days=DAYS)]
    return any(later - earlier > timedelta(days=2 * WINDOW_DAYS) for earlier, later in pairwise(known))


def _near(time: datetime, others: Sequence[datetime], days: int) -> bool:
    return any(abs(other - time) <= timedelta(days=days) for other in others)


def _grid_in(epsg: int, lon: float, lat: float, size_px: int) -> PixelGrid:
    """The tile about a point in a scene's zone, on its 10 m grid."""
    x, y = transformer(4326, epsg).transform(lon, lat)
    half = size_px * PIXEL_M / 2
    left, top = (math.floor((at + PIXEL_M / 2) / PIXEL_M) * PIXEL_M for at in (x - half, y + half))
    return PixelGrid(epsg, left, top, size_px, size_px)


def _apart(place: ExpertPlace, others: Sequence[ExpertPlace]) -> bool:
    return all(_distance_km(place, other) >= APART_KM for other in others)


def _distance_km(one: ExpertPlace, other: ExpertPlace) -> float:
    """On the sphere."""
    (lon, lat), (lon2, lat2) = ((math.radians(p.lon_deg), math.radians(p.lat_deg)) for p in (one, other))
    half = math.sin((lat2 - lat) / 2) ** 2 + math.cos(lat) * math.cos(lat2) * math.sin((lon2 - lon) / 2) ** 2
    return 2 * 6371.0 * math.asin(min(1.0, math.sqrt(half)))
