"""What was measured of every fetched location and season, as percentiles beside the recipe's limits."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from pipeline.schema.records import QualityRecord

PERCENTILES: Final = (0, 5, 50, 95, 100)

SURE: Final = 10.0
"""What QualitySettings.s1_shift_min_confidence is by default."""


@dataclass(frozen=True)
class Measure:
    """One figure of quality."""

    name: str
    unit: str
    """'%', 'm' or empty for digital numbers."""
    values: int
    """Locations times seasons that have it."""
    percentiles: tuple[float, ...]
    """At PERCENTILES, in the unit."""


def measures(quality: Sequence[QualityRecord], recipe: Mapping[str, Any]) -> tuple[Measure, ...]:
    """Over every location whose pixels were fetched, kept or not; what no location has is left out.

    So are shifts less sure than the recipe trusts, for these drop nothing.
    """
    asked = recipe.get("quality")
    sure = asked.get("s1_shift_min_confidence", SURE) if isinstance(asked, Mapping) else SURE
    read: tuple[tuple[str, str, Callable[[QualityRecord], Iterator[float]]], ...] = (
        ("Pixels with a label", "%", lambda q: (100 * share for share in q.dw_valid_share)),
        ("Pixels that Sentinel-2 observed", "%", lambda q: (100 * share for share in q.s2_valid_share)),
        ("Pixels that Sentinel-1 observed", "%", lambda q: (100 * share for share in q.s1_valid_share)),
        ("Pixels in Sentinel-1 border noise", "%", lambda q: (100 * share for share in q.s1_border_share)),
        ("Level of the darkest Sentinel-2 band", "", lambda q: iter(q.s2_dark_level)),
        ("Sentinel-1 from Sentinel-2, where sure", "m", partial(_shifts, sure)),
    )
    found = [(name, unit, [v for record in quality for v in values(record)]) for name, unit, values in read]
    return tuple(
        Measure(name, unit, len(values), tuple(float(v) for v in np.percentile(values, PERCENTILES)))
        for name, unit, values in found
        if values
    )


def _shifts(sure: float, record: QualityRecord) -> Iterator[float]:
    return (math.hypot(s.east_m, s.south_m) for s in record.s1_shift if s.confidence >= sure)
