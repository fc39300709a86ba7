"""The catalogue of Sentinel-2 L1C scenes, and of the Dynamic World images made from them."""

import math
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import shapely
from shapely import Polygon

from pipeline.emulator.clouds import cloud_percentage, sun_at
from pipeline.emulator.noise import key, unit
from pipeline.emulator.orbit import Orbit, Pass
from pipeline.emulator.scene import DW_COLLECTION, S2_COLLECTION, EmulatedScene
from pipeline.emulator.tiles import Tile, tile_named, tiles_over
from pipeline.schema.grid import transformer

SWATH_KM: Final = 290.0
TILE_REACH_KM: Final = 78.0
"""Half a tile's diagonal."""
MIN_AREA_M2: Final = 2_000_000.0
"""Slivers of a swath smaller than this make no scene."""

EPOCH: Final = datetime(2020, 1, 6, 10, 20, 59, tzinfo=UTC)
"""Descending node of relative orbit 122 of Sentinel-2A, set so that passes fall on the dates of the SSL4EO-S12 v1.1
validation locations: 99 % of those lie inside the swath of a pass of their day."""

SATELLITES: Final = {
    name: Orbit(
        epoch=EPOCH + timedelta(days=days), epoch_relative=122, revolutions=143, days=10, inclination_deg=98.62,
        node_hour=10.5, descending=True, offset_km=0.0,
    )
    for name, days in (("Sentinel-2A", 0), ("Sentinel-2B", 5))
}  # fmt: skip

S2_PIXELS_M: Final = {
    "B1": 60.0, "B2": 10.0, "B3": 10.0, "B4": 10.0, "B5": 20.0, "B6": 20.0, "B7": 20.0, "B8": 10.0, "B8A": 20.0,
    "B9": 60.0, "B10": 60.0, "B11": 20.0, "B12": 20.0,
}  # fmt: skip
DW_BANDS: Final = (
    "water", "trees", "grass", "flooded_vegetation", "crops", "shrub_and_scrub", "built", "bare", "snow_and_ice",
    "label",
)  # fmt: skip

DW_MAX_CLOUD_PCT: Final = 35.0
"""Dynamic World is made of scenes up to this CLOUDY_PIXEL_PERCENTAGE (Earth Engine catalogue, DYNAMICWORLD/V1)."""
DW_SHARE: Final = 0.82
"""Share of those scenes that have an image: four seasons in a row then survive about two times in five."""

BASELINES: Final = (
    (datetime(2022, 1, 25, tzinfo=UTC), "04.00"), (datetime(2021, 6, 30, tzinfo=UTC), "03.01"),
    (datetime(2021, 3, 30, tzinfo=UTC), "03.00"), (datetime(2020, 2, 4, tzinfo=UTC), "02.09"),
    (datetime(2019, 7, 8, tzinfo=UTC), "02.08"), (datetime(2018, 11, 6, tzinfo=UTC), "02.07"),
)  # fmt: skip
"""First day of each processing baseline (ESA, Sentinel-2 processing baseline history)."""

STRIP_STARTS: Final = (78.0, 60.0, 20.0, -20.0)
"""Latitudes at which data takes begin."""


def baseline(time: datetime) -> str:
    """PROCESSING_BASELINE of a day."""
    return next((name for first, name in BASELINES if time >= first), "02.06")


def search_s2(seed: int, region: Polygon, start: datetime, end: datetime) -> list[EmulatedScene]:
    """Scenes whose footprint meets the region (degrees) with start <= time < end, unordered."""
    return [
        scene
        for tile in tiles_over(region)
        for scene in _scenes_of(seed, tile, start, end)
        if scene.footprint.intersects(region)
    ]


def _scenes_of(seed: int, tile: Tile, start: datetime, end: datetime) -> list[EmulatedScene]:
    """A tile's scenes of passes within [start, end)."""
    found = []
    reach = SWATH_KM / 2 + TILE_REACH_KM
    for satellite, orbit in SATELLITES.items():
        for one, right_km, azimuth in orbit.passes_near(tile.lon_deg, tile.lat_deg, reach, start, end):
            scene = s2_scene(seed, tile, satellite, one, right_km, azimuth)
            if scene is not None:
                found.append(scene)
    return found


def find_s2(seed: int, index: str) -> EmulatedScene | None:
    """The scene of that system:index, or None."""
    taken, _, rest = index.partition("_")
    tile = tile_named(rest.rpartition("_")[2])
    try:
        time = datetime.strptime(taken, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    if tile is None:
        return None
    hour = timedelta(hours=1)
    return next((s for s in _scenes_of(seed, tile, time - hour, time + hour) if s.index == index), None)


@lru_cache(maxsize=65536)
def s2_scene(
    seed: int, tile: Tile, satellite: str, one: Pass, right_km: float, azimuth_deg: float
) -> EmulatedScene | None:
    """The scene of a tile on a pass, or None where the swath only grazes the tile."""
    footprint = _footprint(tile, round(right_km, 2), round(azimuth_deg, 3))
    if footprint is None:
        return None
    orbit = SATELLITES[satellite]
    time = one.node_time + timedelta(seconds=orbit.line_at(tile.lat_deg)[1])
    first = min((lat for lat in STRIP_STARTS if lat >= tile.lat_deg), default=78.0)
    taken = one.node_time + timedelta(seconds=orbit.line_at(first)[1])
    made = taken + timedelta(seconds=int(4 + 20 * unit(key(seed, "made", satellite, one.revolution))))
    index = f"{taken:%Y%m%dT%H%M%S}_{made:%Y%m%dT%H%M%S}_T{tile.name}"
    cloudy = cloud_percentage(seed, index, tile.lon_deg, tile.lat_deg, time)
    relative = orbit.relative_orbit(one.revolution)
    return make_scene(tile, index, time.replace(microsecond=0), footprint, cloudy, satellite, relative)


def make_scene(
    tile: Tile, index: str, time: datetime, footprint: Polygon, cloudy_pct: float, satellite: str, relative: int
) -> EmulatedScene:
    """A Sentinel-2 scene with the real catalogue's properties."""
    sun = sun_at(tile.lon_deg, tile.lat_deg, time)
    number = baseline(time)
    taken, made, name = index.split("_")
    platform = f"S2{satellite[-1]}"
    product = f"{platform}_MSIL1C_{taken}_N{number.replace('.', '')}_R{relative:03d}_{name}_{made}"
    return EmulatedScene(
        collection=S2_COLLECTION, index=index, time=time, footprint=footprint, grid=tile.grid, bands=S2_PIXELS_M,
        properties={
            "CLOUDY_PIXEL_PERCENTAGE": cloudy_pct,
            "PROCESSING_BASELINE": number,
            "MGRS_TILE": tile.name,
            "SENSING_ORBIT_NUMBER": relative,
            "SENSING_ORBIT_DIRECTION": "DESCENDING",
            "SPACECRAFT_NAME": satellite,
            "PRODUCT_ID": product,
            "MEAN_SOLAR_ZENITH_ANGLE": sun.zenith_deg,
            "MEAN_SOLAR_AZIMUTH_ANGLE": sun.azimuth_deg,
        },
    )  # fmt: skip


def cloudy_pct(scene: EmulatedScene) -> float:
    """CLOUDY_PIXEL_PERCENTAGE of a Sentinel-2 scene."""
    value = scene.properties["CLOUDY_PIXEL_PERCENTAGE"]
    if not isinstance(value, float):
        raise TypeError(f"{scene.asset_id} has CLOUDY_PIXEL_PERCENTAGE {value!r}, not a number")
    return value


def dw_of(seed: int, scene: EmulatedScene) -> EmulatedScene | None:
    """The Dynamic World image of a Sentinel-2 scene, or None where none was made."""
    if cloudy_pct(scene) > DW_MAX_CLOUD_PCT or unit(key(seed, "dynamic-world", scene.index)) >= DW_SHARE:
        return None
    return EmulatedScene(
        collection=DW_COLLECTION, index=scene.index, time=scene.time, footprint=scene.footprint, grid=scene.grid,
        bands=dict.fromkeys(DW_BANDS, 10.0),
        properties={"dynamicworld_algorithm_version": "3.5.5", "qa_algorithm_version": "3.7.5"},
    )  # fmt: skip


@lru_cache(maxsize=8192)
def _footprint(tile: Tile, right_km: float, azimuth_deg: float) -> Polygon | None:
    """The part of a tile inside the swath, degrees, edges in steps of 10 km; None for a sliver."""
    epsg = tile.grid.epsg
    central = (epsg % 100) * 6.0 - 183.0
    convergence = (tile.lon_deg - central) * math.sin(math.radians(tile.lat_deg))
    heading = math.radians(azimuth_deg - convergence)
    ahead = (math.sin(heading), math.cos(heading))
    right = (math.cos(heading), -math.sin(heading))
    x, y = transformer(4326, epsg).transform(tile.lon_deg, tile.lat_deg)
    corners = []
    for along, across in ((-1, -1), (-1, 1), (1, 1), (1, -1)):
        off = (across * SWATH_KM / 2 - right_km) * 1000.0
        corners.append((x + along * 4e5 * ahead[0] + off * right[0], y + along * 4e5 * ahead[1] + off * right[1]))
    seen = tile.square_m.intersection(Polygon(corners))
    if not isinstance(seen, Polygon) or seen.area < MIN_AREA_M2:
        return None
    return to_degrees(seen, epsg)


@lru_cache(maxsize=1024)
def whole_footprint(tile: Tile) -> Polygon:
    """The whole tile, degrees."""
    return to_degrees(tile.square_m, tile.grid.epsg)


def to_degrees(shape_m: Polygon, epsg: int) -> Polygon:
    """A polygon in a zone's metres as longitude and latitude, edges in steps of 10 km."""
    dense = shapely.segmentize(shape_m.normalize(), 10_000.0)
    x, y = shapely.get_coordinates(dense.exterior).T
    lon, lat = transformer(epsg, 4326).transform(x, y)
    return Polygon(list(zip(lon, lat, strict=True)))
