"""How warm and how wet the planet is: latitude, altitude, noise, and a short table of real dry and wet regions."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from pipeline.emulator.frame import Frame, purpose
from pipeline.emulator.noise import Coordinates, Float

REGIONS: Final = (
    (10.0, 23.0, 1800.0, -1.3), (29.0, 24.0, 900.0, -1.0), (47.0, 23.0, 1000.0, -1.2),
    (60.0, 35.0, 900.0, -0.8), (62.0, 43.0, 900.0, -0.7), (71.0, 27.5, 450.0, -0.8), (85.0, 40.0, 800.0, -1.1),
    (105.0, 42.0, 650.0, -0.8), (-113.0, 36.0, 700.0, -0.7), (-72.0, -20.0, 650.0, -1.2),
    (-68.0, -42.0, 500.0, -0.6), (18.0, -24.0, 700.0, -0.8), (130.0, -25.0, 1200.0, -1.0), (45.0, 6.0, 600.0, -0.9),
    (-62.0, -4.0, 1300.0, 0.6), (20.0, 0.0, 900.0, 0.5), (110.0, 2.0, 1200.0, 0.5), (91.0, 25.0, 400.0, 0.5),
)  # fmt: skip
"""(lon, lat, radius in km, push): the great deserts and rain forests, as bells on the humidity scale."""


@dataclass(frozen=True, eq=False)
class Climate:
    """Climate at the nodes of a frame."""

    humidity: Float
    """About -1.5 (desert) to 1.5 (rain forest)."""
    warmth: Float
    """Annual mean temperature, degrees Celsius."""
    swing: Float
    """Half the difference between the warmest and the coldest day, degrees; negative in the south."""
    relief: Float
    """Unit-variance relief, a landscape's ups and downs from 1.5 to 40 km."""


def humidity_at(lon_deg: Coordinates, lat_deg: Coordinates, noise: Float | float = 0.0) -> Float:
    """Humidity from latitude belts, the table of regions, and noise."""
    lat = np.abs(lat_deg)
    belts = 0.55 * np.exp(-((lat / 13.0) ** 2)) - 0.45 * np.exp(-(((lat - 25.0) / 9.0) ** 2))
    belts += 0.35 * np.exp(-(((lat - 50.0) / 14.0) ** 2))
    total = belts + noise
    for lon, centre, radius_km, push in REGIONS:
        east = ((lon_deg - lon + 180.0) % 360.0 - 180.0) * np.cos(np.radians(lat_deg)) * 111.3
        square = east * east + ((lat_deg - centre) * 110.6) ** 2
        total = total + push * np.exp(-0.5 * square / radius_km**2 * 2.2)
    return total.astype(np.float32)


def climate(seed: int, frame: Frame) -> Climate:
    """The climate of a frame's nodes."""
    lon, lat = frame.node_lon, frame.node_lat
    wander = frame.slow(purpose(seed, "humidity"), (1_500_000.0, 400_000.0, 60_000.0), (1.0, 0.8, 0.6))
    relief = frame.slow(purpose(seed, "relief"), (40_000.0, 12_000.0, 4_000.0, 1_500.0), (1.0, 0.8, 0.5, 0.3))
    ranges = frame.slow(purpose(seed, "ranges"), (700_000.0, 160_000.0), (1.0, 0.7))
    altitude_km = np.maximum(0.0, 0.9 * ranges - 0.5) * (1.0 + 0.45 * relief) + 0.05 * relief
    warmth = 28.0 - 0.0078 * lat**2 - 6.5 * altitude_km
    swing = np.sign(lat) * np.minimum(26.0, 0.30 * np.abs(lat))
    return Climate(
        humidity=humidity_at(lon, lat, 0.38 * wander),
        warmth=warmth.astype(np.float32),
        swing=swing.astype(np.float32),
        relief=relief,
    )


def year_angle(time: datetime) -> float:
    """Position in the northern year, radians: 0 at the warmest day (20 July)."""
    return 2 * math.pi * (time.timetuple().tm_yday + time.hour / 24.0 - 201.0) / 365.25


def temperature(state: Climate, time: datetime) -> Float:
    """Temperature at the nodes on a day, degrees Celsius."""
    return state.warmth + state.swing * np.float32(math.cos(year_angle(time)))
