"""One look at the planet: what a scene's own properties say about day, light, weather and noise."""

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from pipeline.emulator.climate import year_angle
from pipeline.emulator.clouds import Sun, sun_at
from pipeline.emulator.noise import Float, hashed, key
from pipeline.emulator.scene import EmulatedScene
from pipeline.emulator.signatures import GREEN_CROPS
from pipeline.emulator.truth import CROPS, Ground, cover_at
from pipeline.schema.grid import PixelGrid


@dataclass(frozen=True)
class View:
    """A pure function of the seed and the scene."""

    key: int
    """Keys the noise of this scene alone."""
    time: datetime
    angle: float
    """Place in the northern year, radians from 20 July."""
    southern: bool
    seasonality: float
    """0 at the equator, 1 from 30 degrees on."""
    sun: Sun

    @classmethod
    def of(cls, seed: int, scene: EmulatedScene) -> "View":
        """The view of a scene; of Sentinel-2 and Dynamic World alike for the same system:index."""
        centre = scene.footprint.centroid
        return cls.at(key(seed, "scene", scene.index), scene.time, centre.x, centre.y)

    @classmethod
    def at(cls, key_: int, time: datetime, lon_deg: float, lat_deg: float) -> "View":
        """The view of a moment about a place."""
        return cls(
            key=key_, time=time, angle=year_angle(time), southern=lat_deg < 0,
            seasonality=min(1.0, 0.25 + abs(lat_deg) / 40.0), sun=sun_at(lon_deg, lat_deg, time),
        )  # fmt: skip


def states(land: Ground, view: View) -> NDArray[np.intp]:
    """The state of every pixel on the day: the land cover, with each field of crops fallow or in leaf."""
    cover = cover_at(land, view.time).astype(np.intp)
    local = view.angle + (math.pi if view.southern else 0.0)
    calendar = np.cos(local + (land.parcel - np.float32(0.5)) * np.float32(2.6))
    green = 0.42 + np.float32(0.32 * view.seasonality) * calendar
    green = green + 0.15 * land.frame.lift(np.clip(land.climate.humidity, -1.0, 1.0))
    cover[(cover == CROPS) & (green > land.tone)] = GREEN_CROPS
    return cover


def pixel_bits(key_: int, grid: PixelGrid) -> NDArray[np.uint64]:
    """64 hashed bits a pixel, by the pixel's own place in the zone."""
    x, y = grid.centres_m()
    column = np.floor(x / grid.pixel_m).astype(np.int64)
    row = np.floor(-y / grid.pixel_m).astype(np.int64)
    return hashed(key_, column[None, :], row[:, None])


def spread_point(values: Float) -> Float:
    """The sensor's point spread over 3 x 3 pixels; the result is one pixel smaller on each side."""
    across: Float = np.float32(0.66) * values[:, 1:-1] + np.float32(0.17) * (values[:, :-2] + values[:, 2:])
    both: Float = np.float32(0.66) * across[1:-1] + np.float32(0.17) * (across[:-2] + across[2:])
    return both


def block_mean(values: Float, factor: int) -> Float:
    """Means of factor x factor pixels, added in a fixed order so that every window agrees to the bit."""
    if factor == 1:
        return values
    rows = values[::factor].copy()
    for step in range(1, factor):
        rows += values[step::factor]
    total = rows[:, ::factor].copy()
    for step in range(1, factor):
        total += rows[:, step::factor]
    return total * np.float32(1.0 / factor**2)
