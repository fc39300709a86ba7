"""Ground tracks of sun-synchronous satellites: which passes see a place, and when.

In a frame that follows the sun, a sun-synchronous orbit stands still and the Earth turns once a solar day, so that a
pass is known by the time of its node alone. Constants are those of ESA's mission guides: Sentinel-2 143 revolutions
in 10 days, 98.62 deg, 10:30 descending; Sentinel-1 175 in 12 days, 98.18 deg, 18:00 ascending.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final

import numpy as np

from pipeline.emulator.noise import Coordinates

EARTH_KM: Final = 6371.0
KM_PER_DEGREE: Final = 111.195


@dataclass(frozen=True)
class Pass:
    """One half revolution over one side of the Earth."""

    revolution: int
    """Counted from the orbit's epoch; may be negative."""
    node_time: datetime
    node_lon_deg: float


@dataclass(frozen=True)
class Orbit:
    """The ascending or descending halves of a satellite's repeat orbit."""

    epoch: datetime
    """UTC of one crossing of the equator, in the direction of this half."""
    epoch_relative: int
    """Relative orbit number of that crossing."""
    revolutions: int
    days: int
    inclination_deg: float
    node_hour: float
    """Local solar hour of the crossing."""
    descending: bool
    offset_km: float
    """Ground distance of the swath's centre line to the right of the track."""

    @property
    def period_s(self) -> float:
        """Seconds a revolution."""
        return self.days * 86400.0 / self.revolutions

    def relative_orbit(self, revolution: int) -> int:
        """Relative orbit number, 1..revolutions."""
        return (self.epoch_relative - 1 + revolution) % self.revolutions + 1

    def at(self, revolution: int) -> Pass:
        """The pass of a revolution."""
        time = self.epoch + timedelta(seconds=round(revolution * self.period_s, 3))
        hour = time.hour + time.minute / 60 + (time.second + time.microsecond / 1e6) / 3600
        return Pass(revolution, time, ((self.node_hour - hour) * 15.0 + 180.0) % 360.0 - 180.0)

    def ground(
        self, seconds: Coordinates, right_km: Coordinates | float
    ) -> tuple[Coordinates, Coordinates, Coordinates]:
        """Points `right_km` to the right of the track, `seconds` after the node.

        Returns longitude east of the node, latitude, and the track's azimuth clockwise from north, all degrees.
        """

        def below(after: Coordinates) -> Coordinates:
            angle = 2 * np.pi * after / self.period_s
            tilt = np.radians(self.inclination_deg)
            lat = np.arcsin(np.sin(tilt) * np.sin(angle)) * (-1.0 if self.descending else 1.0)
            lon = np.arctan2(np.cos(tilt) * np.sin(angle), np.cos(angle)) - 2 * np.pi * after / 86400.0
            return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])

        here, ahead = below(seconds), below(seconds + 1.0)
        forward = ahead - here
        forward -= here * np.sum(here * forward, axis=0)
        forward /= np.linalg.norm(forward, axis=0)
        right = np.stack(
            [
                forward[1] * here[2] - forward[2] * here[1],
                forward[2] * here[0] - forward[0] * here[2],
                forward[0] * here[1] - forward[1] * here[0],
            ]
        )
        turn = np.asarray(right_km) / EARTH_KM
        point = here * np.cos(turn) + right * np.sin(turn)
        lon, lat = np.arctan2(point[1], point[0]), np.arcsin(point[2])
        heading = forward - point * np.sum(point * forward, axis=0)
        east = -np.sin(lon) * heading[0] + np.cos(lon) * heading[1]
        north = -np.sin(lat) * (np.cos(lon) * heading[0] + np.sin(lon) * heading[1]) + np.cos(lat) * heading[2]
        return np.degrees(lon), np.degrees(lat), np.degrees(np.arctan2(east, north))

    @cached_property
    def _centre_line(self) -> tuple[Coordinates, Coordinates, Coordinates, Coordinates]:
        """The swath's centre line by latitude: latitude, longitude from the node, seconds, azimuth."""
        seconds = np.linspace(-0.235, 0.235, 189) * self.period_s
        lon, lat, azimuth = self.ground(seconds, self.offset_km)
        order = np.argsort(lat)
        lon = np.degrees(np.unwrap(np.radians(lon)))
        return lat[order], lon[order], seconds[order], azimuth[order]

    def line_at(self, lat_deg: float) -> tuple[float, float, float]:
        """Where the swath's centre line crosses a latitude: degrees east of the node, seconds after it, azimuth."""
        lat, lon, seconds, azimuth = self._centre_line
        return (
            float(np.interp(lat_deg, lat, lon)),
            float(np.interp(lat_deg, lat, seconds)),
            float(np.interp(lat_deg, lat, azimuth)),
        )

    def centre_at(self, seconds: float) -> tuple[float, float]:
        """The swath's centre line at a time after the node: degrees east of the node, latitude."""
        lat, lon, after, _ = self._centre_line
        step = 1 if after[-1] > after[0] else -1
        return (
            float(np.interp(seconds, after[::step], lon[::step])),
            float(np.interp(seconds, after[::step], lat[::step])),
        )

    def passes_near(
        self, lon_deg: float, lat_deg: float, reach_km: float, start: datetime, end: datetime
    ) -> list[tuple[Pass, float, float]]:
        """Passes whose centre line comes within `reach_km` of a place, crossing its latitude in [start, end).

        With each pass: signed distance of the place to the right of the line (km) and the line's azimuth there.
        """
        lon_line, after, azimuth = self.line_at(lat_deg)
        first = int(np.floor(((start - self.epoch).total_seconds() - after) / self.period_s))
        last = int(np.ceil(((end - self.epoch).total_seconds() - after) / self.period_s))
        revolution = np.arange(first, last + 1)
        hour = (self.epoch - datetime(2000, 1, 1, tzinfo=UTC)).total_seconds() / 3600.0
        node = (self.node_hour - (hour + revolution * self.period_s / 3600.0)) * 15.0
        east = (lon_deg - node - lon_line + 180.0) % 360.0 - 180.0
        east_km = east * KM_PER_DEGREE * np.cos(np.radians(lat_deg))
        right_km = east_km * np.cos(np.radians(azimuth))
        near = []
        for index in np.flatnonzero(np.abs(right_km) < reach_km):
            one = self.at(int(revolution[index]))
            if start <= one.node_time + timedelta(seconds=after) < end:
                near.append((one, float(right_km[index]), azimuth))
        return near
