"""What each class looks like: the figures of statistics.json as arrays, joined over the year."""

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

import numpy as np

from pipeline.emulator.noise import Coordinates, Float

STATES: Final = ("water", "trees", "grass", "flooded", "crops", "shrub", "built", "bare", "snow", "green_crops")
"""The nine classes in order, crops lying fallow; then crops in leaf."""
GREEN_CROPS: Final = 9
BANDS: Final = ("B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B11", "B12")
FACTORS: Final = 3
"""Components of each class's covariance that vary smoothly on the ground; the rest varies by pixel."""


@dataclass(frozen=True, eq=False)
class Signatures:
    """Figures derived from real pixels; see benchmarks/derive_planet_statistics.py."""

    optical: Coordinates
    """(4 seasons, 10 states, 10 bands) median digital numbers; season 0 is December to February, northern."""
    factors: Coordinates
    """(3 factors, 10 states, 10 bands) digital numbers a unit of each factor."""
    rest: Coordinates
    """(10 states, 10 bands) spread that the factors leave."""
    radar: Coordinates
    """(4 seasons, 10 states, 2 polarisations) median backscatter, dB."""
    radar_factors: Coordinates
    """(2 factors, 10 states, 2 polarisations) dB a unit of each factor."""
    atmosphere: dict[str, float]
    """Lines and ratios for B1, B9 and B10."""

    def on_day(self, table: Coordinates, angle: float, southern: bool, seasonality: float) -> Float:
        """A seasonal table on one day: seasons joined linearly round the year, damped toward the annual mean.

        `angle` is the day's place in the northern year, radians from 20 July; `seasonality` 1 keeps the full swing.
        """
        quarter = (angle / (2 * math.pi) * 4.0 + (4.0 if southern else 2.0)) % 4.0
        before = int(quarter) % 4
        weight = np.full(4, (1.0 - seasonality) / 4.0)
        weight[before] += seasonality * (1.0 - quarter % 1.0)
        weight[(before + 1) % 4] += seasonality * (quarter % 1.0)
        return np.tensordot(weight, table, axes=1).astype(np.float32)


@lru_cache(maxsize=1)
def signatures() -> Signatures:
    """The committed figures."""
    raw = json.loads((files("pipeline.emulator") / "statistics.json").read_text())
    if tuple(raw["bands"]) != BANDS:
        raise ValueError(f"statistics.json holds bands {raw['bands']}, expected {BANDS}; derive it again")
    classes = [raw["classes"][name] for name in STATES]
    factors = np.zeros((FACTORS, len(STATES), len(BANDS)))
    rest = np.zeros((len(STATES), len(BANDS)))
    radar_factors = np.zeros((2, len(STATES), 2))
    for state, figures in enumerate(classes):
        spread = np.array(figures["optical_spread"], dtype=np.float64)
        covariance = np.array(figures["correlation"]) * np.outer(spread, spread)
        level, vectors = np.linalg.eigh(covariance)
        leading = vectors[:, ::-1][:, :FACTORS] * np.sqrt(level[::-1][:FACTORS])
        # Factor signs are free: more of each factor means greener.
        leading = leading * np.where(leading[6] - leading[2] < 0, -1.0, 1.0)
        factors[:, state] = leading.T
        rest[state] = np.sqrt(np.maximum(np.diag(covariance) - np.sum(leading**2, axis=1), 1.0))
        vv, vh = figures["radar_spread"]
        shared = figures["radar_correlation"]
        radar_factors[0, state] = (vv, vh * shared)
        radar_factors[1, state] = (0.0, vh * math.sqrt(1.0 - shared**2))
    return Signatures(
        optical=np.array([[c["optical"][s] for c in classes] for s in range(4)], dtype=np.float64),
        factors=factors, rest=rest,
        radar=np.array([[c["radar"][s] for c in classes] for s in range(4)], dtype=np.float64),
        radar_factors=radar_factors, atmosphere=raw["atmosphere"],
    )  # fmt: skip
