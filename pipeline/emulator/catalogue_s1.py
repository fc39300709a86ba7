"""The catalogue of Sentinel-1 IW GRD scenes: slices of 25 seconds along a 250 km swath."""

import math
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
from shapely import Polygon

from pipeline.emulator.coast import coast
from pipeline.emulator.noise import key, mix, unit
from pipeline.emulator.orbit import Orbit, Pass
from pipeline.emulator.scene import S1_COLLECTION, EmulatedScene
from pipeline.schema.grid import PixelGrid, transformer, utm_epsg

SWATH_KM: Final = 250.0
CENTRE_KM: Final = 470.0
"""Ground distance from the track to the middle of the IW swath (incidence 29 to 46 degrees, 693 km up)."""
SLICE_S: Final = 25.0
GROUND_KM_S: Final = 6.8
EDGE_STEPS: Final = 5
SPARE_S: Final = 6.0
"""How far along the track a place may lie from where a flat Earth puts it, seconds."""
LAST_S1B: Final = datetime(2021, 12, 23, tzinfo=UTC)
"""The day Sentinel-1B failed."""
EUROPE: Final = (-12.0, 34.0, 42.0, 72.0)
"""West, south, east, north of the region that both satellites map in both directions."""
SECOND_DIRECTION: Final = 0.35
SECOND_SATELLITE: Final = 0.35
SINGLE_SHARE: Final = 0.04
"""Share of scenes with VV alone."""

_NODE: Final = datetime(2020, 1, 6, 5, 8, 30, tzinfo=UTC)
_ABSOLUTE: Final = {"A": (30675, 73), "B": (19629, 27)}
"""Absolute orbit at the epoch, and the offset of relative from absolute orbits (ESA, Sentinel-1 orbit numbering)."""


def _orbit(platform: str, ascending: bool) -> Orbit:
    absolute, offset = _ABSOLUTE[platform]
    half = 12 * 86400.0 / 175 / 2
    shift = timedelta(days=6 if platform == "B" else 0, seconds=0.0 if ascending else half)
    return Orbit(
        epoch=_NODE + shift, epoch_relative=(absolute - offset) % 175 + 1, revolutions=175, days=12,
        inclination_deg=98.18, node_hour=18.0 if ascending else 6.0, descending=not ascending, offset_km=CENTRE_KM,
    )  # fmt: skip


ORBITS: Final = {(platform, up): _orbit(platform, up) for platform in "AB" for up in (True, False)}


def search_s1(seed: int, region: Polygon, start: datetime, end: datetime) -> list[EmulatedScene]:
    """Scenes whose footprint meets the region (degrees) with start <= time < end, unordered."""
    west, south, east, north = region.bounds
    lon, lat = (west + east) / 2, (south + north) / 2
    half_km = 111.2 * math.hypot((east - west) / 2 * math.cos(math.radians(lat)), (north - south) / 2)
    margin = timedelta(minutes=5, seconds=half_km / GROUND_KM_S)
    found = []
    for (platform, up), orbit in ORBITS.items():
        reach = SWATH_KM / 2 + half_km + 25.0
        after = orbit.line_at(lat)[1]
        for one, right_km, azimuth in orbit.passes_near(lon, lat, reach, start - margin, end + margin):
            along_s = after + right_km * math.tan(math.radians(azimuth)) / GROUND_KM_S
            spare = half_km / GROUND_KM_S + SPARE_S
            first = along_s - _phase(seed, platform, up, one.revolution)
            for number in range(math.floor((first - spare) / SLICE_S), math.floor((first + spare) / SLICE_S) + 1):
                scene = s1_scene(seed, platform, up, one, number)
                if scene is not None and start <= scene.time < end and scene.footprint.intersects(region):
                    found.append(scene)
    return found


def find_s1(seed: int, index: str) -> EmulatedScene | None:
    """The scene of that system:index, or None."""
    parts = index.split("_")
    if len(parts) != 9 or parts[0] not in ("S1A", "S1B") or not parts[6].isdigit():
        return None
    platform = parts[0][2]
    revolution = int(parts[6]) - _ABSOLUTE[platform][0]
    try:
        time = datetime.strptime(parts[4], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    for up in (True, False):
        orbit = ORBITS[platform, up]
        one = orbit.at(revolution)
        after = (time - one.node_time).total_seconds() - _phase(seed, platform, up, revolution)
        for number in (math.floor(after / SLICE_S), math.ceil(after / SLICE_S)):
            scene = s1_scene(seed, platform, up, one, number)
            if scene is not None and scene.index == index:
                return scene
    return None


def ascending(scene: EmulatedScene) -> bool:
    """Whether a Sentinel-1 scene was taken on an ascending pass."""
    direction = scene.properties["orbitProperties_pass"]
    return direction == "ASCENDING"


def _phase(seed: int, platform: str, up: bool, revolution: int) -> float:
    """Where slices are cut on a revolution, seconds."""
    return SLICE_S * unit(key(seed, "slice", platform, int(up), revolution))


@lru_cache(maxsize=65536)
def s1_scene(seed: int, platform: str, up: bool, one: Pass, number: int) -> EmulatedScene | None:
    """A slice of a pass, or None where it was not taken."""
    orbit = ORBITS[platform, up]
    first = _phase(seed, platform, up, one.revolution) + number * SLICE_S
    if abs(first) > 0.22 * orbit.period_s:
        return None
    time = one.node_time + timedelta(seconds=first)
    east, middle_lat = orbit.centre_at(first + SLICE_S / 2)
    middle_lon = (one.node_lon_deg + east + 180.0) % 360.0 - 180.0
    if (platform == "B" and time >= LAST_S1B) or not _planned(seed, platform, up, middle_lon, middle_lat):
        return None
    lon, lat = _outline(orbit, one, first)
    relative = orbit.relative_orbit(one.revolution)
    single = unit(key(seed, "single", platform, one.revolution, number)) < SINGLE_SHARE
    absolute = _ABSOLUTE[platform][0] + one.revolution
    stop = time + timedelta(seconds=SLICE_S)
    mark = mix(key(seed, "s1-name", platform, absolute, number))
    index = (
        f"S1{platform}_IW_GRDH_1S{'SV' if single else 'DV'}_{time:%Y%m%dT%H%M%S}_{stop:%Y%m%dT%H%M%S}"
        f"_{absolute:06d}_{mark % 0xFFFFFF:06X}_{(mark >> 32) % 0xFFFF:04X}"
    )
    polarisations = ["VV"] if single else ["VV", "VH"]
    return EmulatedScene(
        collection=S1_COLLECTION, index=index, time=time.replace(microsecond=0),
        footprint=Polygon(list(zip(lon, lat, strict=True))), grid=_grid(lon, lat),
        properties={
            "instrumentMode": "IW",
            "transmitterReceiverPolarisation": polarisations,
            "orbitProperties_pass": "ASCENDING" if up else "DESCENDING",
            "relativeOrbitNumber_start": relative,
            "orbitNumber_start": absolute,
            "platform_number": platform,
            "resolution": "H",
            "resolution_meters": 10,
            "productType": "GRD",
        },
        bands=dict.fromkeys(polarisations, 10.0),
    )  # fmt: skip


def _outline(orbit: Orbit, one: Pass, first: float) -> tuple[list[float], list[float]]:
    """The slice's corners and points along its edges, degrees, longitudes without a jump."""
    seconds = first + np.linspace(0.0, SLICE_S, EDGE_STEPS)
    edges = np.repeat([CENTRE_KM - SWATH_KM / 2, CENTRE_KM + SWATH_KM / 2], EDGE_STEPS)
    east, lat, _ = orbit.ground(np.concatenate([seconds, seconds[::-1]]), edges)
    turned = east + one.node_lon_deg
    middle = (turned[0] + 180.0) % 360.0 - 180.0
    lon = middle + (turned - turned[0] + 180.0) % 360.0 - 180.0
    return lon.tolist(), lat.tolist()


@lru_cache(maxsize=65536)
def _land_near(lon: int, lat: int) -> bool:
    """Whether land lies within about 170 km of a whole degree."""
    wide = min(20.0, 1.6 / max(0.1, math.cos(math.radians(lat))))
    return coast().any_land(lon - wide, lat - 1.6, lon + wide, lat + 1.6)


def _planned(seed: int, platform: str, up: bool, lon: float, lat: float) -> bool:
    """Whether the mission maps about that place with that satellite and direction."""
    if not _land_near(round(lon), round(lat)):
        return False
    if EUROPE[0] <= lon <= EUROPE[2] and EUROPE[1] <= lat <= EUROPE[3]:
        return True
    block = (round(lon / 12.0), round(lat / 12.0))
    favoured = unit(key(seed, "s1-direction", *block)) < 0.5
    if up != favoured and unit(key(seed, "s1-second", *block)) >= SECOND_DIRECTION:
        return False
    return platform == "A" or unit(key(seed, "s1-pair", *block)) < SECOND_SATELLITE


def _grid(lon: list[float], lat: list[float]) -> PixelGrid:
    """The 10 m grid of the slice's own zone that holds its outline."""
    middle_lon = ((min(lon) + max(lon)) / 2 + 180.0) % 360.0 - 180.0
    epsg = utm_epsg(middle_lon, (min(lat) + max(lat)) / 2)
    x, y = transformer(4326, epsg).transform(lon, lat)
    left, right = math.floor(min(x) / 10) * 10, math.ceil(max(x) / 10) * 10
    bottom, top = math.floor(min(y) / 10) * 10, math.ceil(max(y) / 10) * 10
    return PixelGrid(epsg, float(left), float(top), (right - left) // 10, (top - bottom) // 10)
