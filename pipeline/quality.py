"""From a patch's pixels to a quality record with a reason. Pure."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.schema.landcover import IGNORE, N_DW_CLASSES
from pipeline.schema.observed import s1_observed, s2_observed
from pipeline.schema.records import Patch, QualityRecord
from pipeline.schema.strict import Strict


class QualitySettings(Strict):
    """What a location's pixels must be worth in each of its four seasons.

    The paper asks only that all four S1-S2 pairs have a Dynamic World label (103,793 of 251,079 locations);
    0 for every share keeps that rule alone.
    """

    dw_min_valid_share: float = Field(default=0.6, ge=0, le=1)
    """Least share of pixels with a label, in every season; Dynamic World masks clouds and their shadows."""
    s2_min_valid_share: float = Field(default=0.99, ge=0, le=1)
    """Least share of pixels that Sentinel-2 observed, in every season; a scene's edge may cut a patch."""
    s1_min_valid_share: float = Field(default=0.99, ge=0, le=1)
    """Least share of pixels that Sentinel-1 observed, in every season."""


def assess(patch: Patch, settings: QualitySettings) -> QualityRecord:
    """Measure a patch and decide whether it stays; the first thing lacking is the reason.

    A share is of all height x width pixels of a season, 0..1. Sensors are looked at before labels, because
    where Sentinel-2 saw nothing there cannot be a label. Raises ValueError where `dw` holds no class of
    Dynamic World, 0..8 or 255.
    """
    counts = np.bincount(patch.dw.ravel(), minlength=IGNORE + 1)
    strange = np.flatnonzero(counts[N_DW_CLASSES:IGNORE]) + N_DW_CLASSES
    if strange.size:
        raise ValueError(f"{patch.location_id}: labels hold {strange[0]}, expected 0..{N_DW_CLASSES - 1} or {IGNORE}")
    s2, s1 = _shares(s2_observed(patch.s2)), _shares(s1_observed(patch.s1))
    dw = _shares(patch.dw != IGNORE)
    reason, detail = next(
        (found for found in _shortfalls(s2=s2, s1=s1, dw=dw, settings=settings)),
        ("", ""),
    )
    return QualityRecord(
        location_id=patch.location_id,
        kept=not reason,
        reason=reason,
        detail=detail,
        dw_valid_share=dw,
        s2_valid_share=s2,
        s1_valid_share=s1,
        dw_class_count=tuple(int(n) for n in counts[:N_DW_CLASSES]),
    )


def _shares(valid_SHW: NDArray[np.bool_]) -> tuple[float, ...]:
    return tuple(float(share) for share in valid_SHW.mean(axis=(-2, -1)))


def _shortfalls(
    *, s2: tuple[float, ...], s1: tuple[float, ...], dw: tuple[float, ...], settings: QualitySettings
) -> Iterator[tuple[str, str]]:
    for reason, shares, least in (
        ("S2 nodata", s2, settings.s2_min_valid_share),
        ("S1 nodata", s1, settings.s1_min_valid_share),
        ("too few labels", dw, settings.dw_min_valid_share),
    ):
        for season, share in enumerate(shares):
            if share < least:
                # Rounded down, or a share just below the limit would read as equal to it.
                yield reason, f"season {season}: valid share {math.floor(share * 1e4) / 1e4:.4f} < {least:g}"
