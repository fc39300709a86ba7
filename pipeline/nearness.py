"""How far places lie from one another: metres along a sphere, by a search in space that knows no date line."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

EARTH_M: Final = 6_371_008.8
"""Mean radius of the Earth (IUGG R1, GRS 80; Moritz 2000). Distances on it are within 0.6 % of those on the
ellipsoid."""

LonLat = tuple[float, float]
"""Degrees: longitude, latitude."""


def nearest(places: Sequence[LonLat], others: Sequence[LonLat], most: int = 1) -> list[list[tuple[int, float]]]:
    """For each place, (at, metres) of so many of the others, the nearest first; fewer where there are fewer."""
    most = min(most, len(others))
    if not places or not most:
        return [[] for _ in places]
    chords, at = cKDTree(in_space(others)).query(in_space(places), k=range(1, most + 1))
    return [list(zip(row, metres, strict=True)) for row, metres in zip(at.tolist(), _arc(chords).tolist(), strict=True)]


def pairs_within(places: Sequence[LonLat], reach_m: float) -> list[tuple[int, int]]:
    """Every two places (i, j), i < j, that lie at most `reach_m` metres apart, in order."""
    if len(places) < 2:
        return []
    found = cKDTree(in_space(places)).query_pairs(_chord(reach_m))
    return sorted((int(i), int(j)) for i, j in found)


def in_space(places: Sequence[LonLat]) -> NDArray[np.float64]:
    """Points on the sphere, (places, 3) metres from its centre."""
    lon, lat = np.radians(np.asarray(places, np.float64).reshape(-1, 2)).T
    return EARTH_M * np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def _chord(arc_m: float) -> float:
    """The straight line through the sphere between two points that are `arc_m` apart along it."""
    return 2 * EARTH_M * float(np.sin(min(arc_m / (2 * EARTH_M), np.pi / 2)))


def _arc(chord_m: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(2 * EARTH_M * np.arcsin(np.minimum(chord_m / (2 * EARTH_M), 1.0)), np.float64)
