"""Sentinel-2 and Sentinel-1 in figures a band, as manifest/statistics.json tells them, and what scaling cuts off."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pipeline.report.band_histograms import SensorHistogram, share_below
from pipeline.schema.errors import NoldoError

SENSORS: Final = ("s2", "s1")
SHOWN_PERCENTILES: Final = ("1", "50", "99")


@dataclass(frozen=True)
class Moments:
    """Pixels in figures; None where nothing was observed, or the manifest does not tell."""

    mean: float | None
    std: float | None
    percentiles: tuple[float | None, ...]
    """At SHOWN_PERCENTILES."""


@dataclass(frozen=True)
class BandRow:
    """One band of one store."""

    band: str
    pixels: int
    overall: Moments
    seasons: tuple[Moments, ...]
    """Empty where the store has no seasons."""
    kept_range: tuple[float, float] | None
    """What the store's bytes span, in the band's unit; None where values are stored as they are."""
    cut_off: float | None
    """Share of the observed pixels outside of it, 0..1; None where that cannot be told."""


@dataclass(frozen=True)
class SensorTable:
    """All bands of one sensor in one store."""

    store: str
    """Its name; empty where a run has but one."""
    sensor: str
    unit: str
    rows: tuple[BandRow, ...]


def sensor_tables(
    statistics: Mapping[str, Any], store: str, histograms: Mapping[str, SensorHistogram]
) -> tuple[SensorTable, ...]:
    """The tables of one store's statistics; NoldoError where they cannot be understood."""
    try:
        return tuple(_tables(statistics, store, histograms))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NoldoError(f"statistics.json tells of the bands in a way that cannot be read ({error!r}).") from error


def _tables(
    statistics: Mapping[str, Any], store: str, histograms: Mapping[str, SensorHistogram]
) -> Iterator[SensorTable]:
    clip_std = statistics.get("scaling", {}).get("clip_std")
    for sensor in SENSORS:
        bands: Sequence[Mapping[str, Any]] = statistics.get(sensor) or ()
        if bands:
            rows = tuple(_row(at, band, clip_std, histograms.get(sensor)) for at, band in enumerate(bands))
            yield SensorTable(store, sensor, str(bands[0]["unit"]), rows)


def _row(at: int, plain: Mapping[str, Any], clip_std: float | None, histogram: SensorHistogram | None) -> BandRow:
    kept_range = None
    if clip_std is not None and plain.get("scaling_std") is not None:
        half = clip_std * plain["scaling_std"]
        kept_range = (plain["scaling_mean"] - half, plain["scaling_mean"] + half)
    cut_off = None
    if kept_range is not None and histogram is not None:
        counts = histogram.counts[:, at].sum(axis=0)
        below = share_below(counts, histogram.edges, np.array(kept_range))
        cut_off = float(below[0] + 1.0 - below[1])
    return BandRow(
        band=str(plain["band"]),
        pixels=int(plain["pixels"]),
        overall=_moments(plain),
        seasons=tuple(_moments(season) for season in plain.get("seasons", ())),
        kept_range=kept_range,
        cut_off=cut_off,
    )


def _moments(plain: Mapping[str, Any]) -> Moments:
    percentiles = plain.get("percentiles") or {}
    return Moments(plain["mean"], plain["std"], tuple(percentiles.get(p) for p in SHOWN_PERCENTILES))
