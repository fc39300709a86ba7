"""From a patch's pixels to a quality record with a reason. Pure."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.checks.border import border_noise_share
from pipeline.checks.offset import dark_level
from pipeline.checks.shift import sensor_shift
from pipeline.schema.landcover import IGNORE, N_DW_CLASSES
from pipeline.schema.observed import s1_observed, s2_observed
from pipeline.schema.records import N_SEASONS, Lack, Patch, QualityRecord, SensorShift
from pipeline.schema.strict import Strict
from pipeline.tally import season_sums


class QualitySettings(Strict):
    """What a location's pixels must be worth in each of its four seasons.

    The paper asks only that all four S1-S2 pairs have a Dynamic World label (103,793 of 251,079 locations); shares of
    0, a border share of 1 and no dark level keep that rule alone.
    """

    dw_min_valid_share: float = Field(default=0.6, ge=0, le=1)
    """Least share of pixels with a label, in every season; Dynamic World masks clouds and their shadows."""
    s2_min_valid_share: float = Field(default=0.99, ge=0, le=1)
    """Least share of pixels that Sentinel-2 observed, in every season; a scene's edge may cut a patch."""
    s1_min_valid_share: float = Field(default=0.99, ge=0, le=1)
    """Least share of pixels that Sentinel-1 observed, in every season."""
    s1_max_border_share: float = Field(default=0.01, ge=0, le=1)
    """Most of a season's pixels in strips of Sentinel-1 border noise; 0.01 is a strip of 26 m along a patch's side."""
    s2_max_dark_level: float | None = Field(default=900.0, gt=0)
    """Digital number that the darkest band's dark pixels must stay below, or none: with the offset of baseline 04.00,
    1000, they are at or near it, without it rarely above 100. What lies between is room for noise and high cloud."""
    s1_max_shift_m: float | None = Field(default=None, gt=0)
    """Farthest that Sentinel-1 may lie from Sentinel-2, metres, up to 160; without it shifts are only recorded."""
    s1_shift_min_confidence: float = Field(default=10.0, gt=0)
    """Estimates of the shift below this confidence drop nothing."""


@dataclass(frozen=True)
class _Figures:
    """What is measured of a patch, each figure per season."""

    s2_valid: tuple[float, ...]
    s2_dark_level: tuple[float, ...]
    s1_valid: tuple[float, ...]
    s1_border: tuple[float, ...]
    s1_shift: tuple[SensorShift, ...]
    dw_valid: tuple[float, ...]


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
    figures = _measure(patch)
    found = list(_shortfalls(figures, settings))
    reason, detail = (found[0][0].what, found[0][1]) if found else ("", "")
    s2_sums, s1_sums = season_sums(patch)
    return QualityRecord(
        location_id=patch.location_id,
        kept=not found,
        reason=reason,
        detail=detail,
        dw_valid_share=figures.dw_valid,
        s2_valid_share=figures.s2_valid,
        s1_valid_share=figures.s1_valid,
        dw_class_count=tuple(int(n) for n in counts[:N_DW_CLASSES]),
        s1_border_share=figures.s1_border,
        s2_dark_level=figures.s2_dark_level,
        s1_shift=figures.s1_shift,
        s2_sums=s2_sums,
        s1_sums=s1_sums,
        lacking=tuple(lack for lack, _ in found),
    )


def _measure(patch: Patch) -> _Figures:
    s2_seen, s1_seen = s2_observed(patch.s2), s1_observed(patch.s1)
    seasons = range(N_SEASONS)
    return _Figures(
        s2_valid=_shares(s2_seen),
        s2_dark_level=tuple(dark_level(patch.s2[s], s2_seen[s]) for s in seasons),
        s1_valid=_shares(s1_seen),
        s1_border=tuple(border_noise_share(patch.s1[s], s1_seen[s]) for s in seasons),
        s1_shift=tuple(sensor_shift(patch.s2[s], patch.s1[s], s2_seen[s] & s1_seen[s]) for s in seasons),
        dw_valid=_shares(patch.dw != IGNORE),
    )


def _shares(valid_SHW: NDArray[np.bool_]) -> tuple[float, ...]:
    return tuple(float(share) for share in valid_SHW.mean(axis=(-2, -1)))


def _shortfalls(figures: _Figures, settings: QualitySettings) -> Iterator[tuple[Lack, str]]:
    """Everything that any season lacks, with its particulars; the weightiest first."""
    yield from _too_little("S2 nodata", figures.s2_valid, settings.s2_min_valid_share)
    for season, level in enumerate(figures.s2_dark_level):
        if settings.s2_max_dark_level is not None and level >= settings.s2_max_dark_level:
            yield (
                Lack(season, "S2 offset"),
                f"season {season}: darkest band at {level:g} >= {settings.s2_max_dark_level:g}",
            )
    yield from _too_little("S1 nodata", figures.s1_valid, settings.s1_min_valid_share)
    for season, share in enumerate(figures.s1_border):
        if share > settings.s1_max_border_share:
            # Rounded up, as shares that fall short are rounded down.
            told = f"{math.ceil(share * 1e4) / 1e4:.4f} > {settings.s1_max_border_share:g}"
            yield Lack(season, "S1 border noise"), f"season {season}: share of border noise {told}"
    yield from _too_little("too few labels", figures.dw_valid, settings.dw_min_valid_share)
    for season, shift in enumerate(figures.s1_shift):
        off_m = math.hypot(shift.east_m, shift.south_m)
        trusted = shift.confidence >= settings.s1_shift_min_confidence
        if settings.s1_max_shift_m is not None and trusted and off_m > settings.s1_max_shift_m:
            yield Lack(season, "S1-S2 shift"), f"season {season}: shift {off_m:.1f} m > {settings.s1_max_shift_m:g} m"


def _too_little(reason: str, shares: tuple[float, ...], least: float) -> Iterator[tuple[Lack, str]]:
    for season, share in enumerate(shares):
        if share < least:
            # Rounded down, or a share just below the limit would read as equal to it.
            told = f"{math.floor(share * 1e4) / 1e4:.4f} < {least:g}"
            yield Lack(season, reason), f"season {season}: valid share {told}"
