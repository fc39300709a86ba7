"""Clouds: how cloudy a scene is by place and season, and where in it the clouds and their shadows lie."""

import math
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

import numpy as np

from pipeline.emulator.climate import humidity_at, year_angle
from pipeline.emulator.frame import NODE_M, Frame
from pipeline.emulator.noise import Coordinates, Float, fractal_noise, key, normal, point_noise, unit
from pipeline.schema.grid import PixelGrid

CELLS_M: Final = (24_000.0, 8_000.0, 2_800.0, 1_000.0, 500.0)
WEIGHTS: Final = (1.0, 0.8, 0.5, 0.3, 0.18)
SURVEY: Final = 72
"""Points a side at which a scene's cloud field is surveyed to find its threshold."""
SHALLOW: Final = 0.22
"""Rise of the field, in standard deviations, from a cloud's edge to its full opacity."""


@dataclass(frozen=True)
class Sun:
    """Where the sun stands."""

    zenith_deg: float
    azimuth_deg: float
    """Clockwise from north."""


def sun_at(lon_deg: float, lat_deg: float, time: datetime) -> Sun:
    """The sun's place from declination and hour angle, right to about a degree."""
    day = time.timetuple().tm_yday + time.hour / 24.0
    declination = math.radians(-23.44) * math.cos(2 * math.pi * (day + 10.0) / 365.25)
    hour = time.hour + time.minute / 60.0 + lon_deg / 15.0
    turn = math.radians((hour - 12.0) * 15.0)
    lat = math.radians(lat_deg)
    up = math.sin(lat) * math.sin(declination) + math.cos(lat) * math.cos(declination) * math.cos(turn)
    east = -math.cos(declination) * math.sin(turn)
    north = math.cos(lat) * math.sin(declination) - math.sin(lat) * math.cos(declination) * math.cos(turn)
    zenith = math.degrees(math.acos(min(max(up, -1.0), 1.0)))
    return Sun(round(zenith, 3), round(math.degrees(math.atan2(east, north)) % 360.0, 3))


def cloud_percentage(seed: int, name: str, lon_deg: float, lat_deg: float, time: datetime) -> float:
    """CLOUDY_PIXEL_PERCENTAGE of a scene, 0..100; `name` is the scene's, neighbours of one day are alike.

    About half of all scenes of a temperate place are below 30 %, most in a desert, few in a rain forest.
    """
    humidity = _humidity(round(lon_deg, 3), round(lat_deg, 3))
    warm = math.cos(year_angle(time)) * (1.0 if lat_deg >= 0 else -1.0)
    mean = -0.70 + 0.62 * min(max(humidity, -1.4), 1.1)
    mean += 0.45 * warm if abs(lat_deg) < 30.0 else -0.45 * warm * (abs(lat_deg) > 36.0)
    day = key(seed, "weather", time.toordinal())
    shared = point_noise(day, lon_deg / 4.0, lat_deg / 4.0)
    own = normal(key(seed, "cloud", name))
    return round(100.0 / (1.0 + math.exp(-2.0 * (mean + 0.75 * shared + 0.66 * own))), 4)


@lru_cache(maxsize=4096)
def _humidity(lon_deg: float, lat_deg: float) -> float:
    return float(humidity_at(np.array([lon_deg]), np.array([lat_deg]))[0])


@dataclass(frozen=True, eq=False)
class Sky:
    """What stands between the sensor and the ground, at the nodes of a frame."""

    opacity: Float
    """0 clear .. 1 thick cloud."""
    shadow: Float
    """0 none .. 1 full shadow."""


@lru_cache(maxsize=512)
def _threshold(field_key: int, scene_grid: PixelGrid, cloudy_pct: float) -> float:
    """Value of the cloud field that the given share of the scene exceeds."""
    left, bottom, right, top = scene_grid.bounds_m
    x, y = np.meshgrid(np.linspace(left, right, SURVEY), np.linspace(bottom, top, SURVEY))
    surveyed = fractal_noise(field_key, x, y, CELLS_M, WEIGHTS)
    # A pixel counts as cloud from half opacity on.
    return float(np.quantile(surveyed, 1.0 - cloudy_pct / 100.0)) - SHALLOW / 2


def sky(field_key: int, frame: Frame, scene_grid: PixelGrid, cloudy_pct: float, sun: Sun) -> Sky:
    """Clouds and shadows over a window of a scene."""
    rows, columns = frame.node_x.shape
    x, y = np.meshgrid((frame.column0 + np.arange(columns)) * NODE_M, -(frame.row0 + np.arange(rows)) * NODE_M)
    threshold = _threshold(field_key, scene_grid, cloudy_pct)

    def opacity(east: Coordinates, north: Coordinates) -> Float:
        field = fractal_noise(field_key, east, north, CELLS_M, WEIGHTS)
        rise = np.clip((field - np.float32(threshold)) / np.float32(SHALLOW), 0.0, 1.0)
        smooth: Float = rise * rise * (3.0 - 2.0 * rise)
        return smooth

    height_m = 900.0 + 2_600.0 * unit(key(field_key, "height"))
    reach = height_m * math.tan(math.radians(min(sun.zenith_deg, 75.0)))
    azimuth = math.radians(sun.azimuth_deg)
    # The cloud that shades a point stands toward the sun from it.
    shade = opacity(x + reach * math.sin(azimuth), y + reach * math.cos(azimuth))
    over = opacity(x, y)
    return Sky(opacity=over, shadow=shade * (1.0 - over))
