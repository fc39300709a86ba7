"""Statistics of a whole store a season and band, added up from its shards' records and stored beside its arrays."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import zarr
from numpy.typing import NDArray

from pipeline.histograms import S1_EDGES, S2_EDGES, add_up, percentiles
from pipeline.scaling import BandTotals
from pipeline.schema.bands import S1_BANDS, S2_BANDS
from pipeline.schema.landcover import DW_CLASSES, N_DW_CLASSES
from pipeline.schema.records import N_SEASONS, BandSum, ShardRecord
from pipeline.tally import N_LABELS, SEASON_PAIRS, SeasonSums

GROUP: Final = "statistics"
"""Name of the group in a store."""

PERCENTS: Final = (1.0, 2.0, 5.0, 25.0, 50.0, 75.0, 95.0, 98.0, 99.0)

SIGNIFICANT: Final = 8
"""Digits kept: sums over shards of another size may differ in the last of a float64's sixteen."""

LABELS: Final = (*(c.name for c in DW_CLASSES), "no label")


@dataclass(frozen=True)
class BandStatistics:
    """One sensor's observed raw pixels: digital numbers, or dB. NaN where nothing was observed."""

    bands: tuple[str, ...]
    pixels: NDArray[np.int64]
    """(4, bands), like the next four: observed pixels a season."""
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]
    percentiles: NDArray[np.float64]
    """(4, bands, len(PERCENTS)), approximate (pipeline/histograms.py)."""
    histogram: NDArray[np.int64]
    """(4, bands, 1024): pixels a bin."""
    edges: NDArray[np.float64]
    """(1025,): where the bins begin, and where the last one ends."""
    overall: tuple[tuple[int, float, float] | None, ...]
    """Per band, over the four seasons: (observed pixels, mean, std); None where nothing was observed."""


@dataclass(frozen=True)
class StoreStatistics:
    """What a store's raw pixels and labels look like in figures."""

    s2: BandStatistics
    s1: BandStatistics
    label_count: NDArray[np.int64]
    """(4, 10): pixels a season and label; the last label is none."""
    label_pair_count: NDArray[np.int64]
    """(4, 4, 10, 10): pixels of label [k] in season [i] that have label [l] in season [j], at [i, j, k, l]."""
    dw_prob_mean: NDArray[np.float64] | None
    """(4, 9): mean probability a season and class over the labelled pixels, 0..1."""


def store_statistics(shards: Sequence[ShardRecord]) -> StoreStatistics:
    """Add up the records of all shards; neither their order nor their size matters."""
    labels = np.zeros((N_SEASONS, N_LABELS), np.int64)
    pairs = np.zeros((len(SEASON_PAIRS), N_LABELS, N_LABELS), np.int64)
    for shard in shards:
        labels += np.array(shard.class_count, np.int64)
        pairs += np.array(shard.class_pairs, np.int64).reshape(pairs.shape)
    return StoreStatistics(
        s2=_bands(S2_BANDS, [s.s2_sums for s in shards], [s.s2_histogram for s in shards], S2_EDGES),
        s1=_bands(S1_BANDS, [s.s1_sums for s in shards], [s.s1_histogram for s in shards], S1_EDGES),
        label_count=labels,
        label_pair_count=_square(labels, pairs),
        dw_prob_mean=_mean_probability(shards, labels),
    )


def write_statistics(store: zarr.Group, statistics: StoreStatistics) -> None:
    """Write the statistics as the group `statistics` of a store, replacing what is there.

    Its arrays carry dimension names, so that xarray.open_zarr(store, group="statistics") opens them as a data set.
    """
    title = "Observed raw pixels and labels of the whole store, a season and band"
    group = store.create_group(GROUP, overwrite=True, attributes={"title": title})
    _write(group, "percent", ("percent",), np.array(PERCENTS), "percent")
    for sensor, bands, unit in (("s2", statistics.s2, "reflectance x 10000"), ("s1", statistics.s1, "dB")):
        plain, band = {"bands": list(bands.bands)}, ("season", f"{sensor}_band")
        _write(group, f"{sensor}_pixels", band, bands.pixels, "pixels", **plain)
        for name in ("mean", "std", "lowest", "highest"):
            _write(group, f"{sensor}_{name}", band, getattr(bands, name), unit, **plain)
        _write(group, f"{sensor}_percentiles", (*band, "percent"), bands.percentiles, unit, **plain)
        _write(group, f"{sensor}_histogram", (*band, f"{sensor}_bin"), bands.histogram, "pixels", **plain)
        _write(group, f"{sensor}_bin_edges", (f"{sensor}_bin_edge",), bands.edges, unit)
    named = {"labels": list(LABELS)}
    _write(group, "label_count", ("season", "label"), statistics.label_count, "pixels", **named)
    together = ("season", "other_season", "label", "other_label")
    _write(group, "label_pair_count", together, statistics.label_pair_count, "pixels", **named)
    if statistics.dw_prob_mean is not None:
        classes = {"classes": list(LABELS[:N_DW_CLASSES])}
        _write(group, "dw_prob_mean", ("season", "dw_class"), statistics.dw_prob_mean, "1", **classes)


def _write(
    group: zarr.Group, name: str, dimensions: tuple[str, ...], values: NDArray[Any], units: str, **attributes: Any
) -> None:
    group.create_array(name, data=values, dimension_names=dimensions, attributes={"units": units, **attributes})


def _bands(
    bands: tuple[str, ...], sums: Sequence[SeasonSums], packed: Sequence[bytes], edges: NDArray[np.float64]
) -> BandStatistics:
    histogram = add_up(packed, N_SEASONS, len(bands))
    seasons = [[_figures([one[s][b] for one in sums]) for b in range(len(bands))] for s in range(N_SEASONS)]
    figures = np.array(seasons, np.float64)
    overall = BandTotals(bands)
    for one in sums:
        for season in one:
            for band, band_sum in enumerate(season):
                overall.add_sum(band_sum, band)
    return BandStatistics(
        bands=bands,
        pixels=figures[..., 0].astype(np.int64),
        mean=figures[..., 1],
        std=figures[..., 2],
        lowest=figures[..., 3],
        highest=figures[..., 4],
        percentiles=np.array([[percentiles(b, edges, np.array(PERCENTS)) for b in season] for season in histogram]),
        histogram=histogram,
        edges=edges,
        overall=tuple(_rounded(overall.moments(band)) for band in range(len(bands))),
    )


def _figures(sums: Sequence[BandSum]) -> tuple[float, ...]:
    """Pixels, mean, std, lowest and highest of one band in one season."""
    totals = BandTotals(("",))
    for one in sums:
        totals.add_sum(one, 0)
    moments = _rounded(totals.moments(0))
    if moments is None:
        return (0, math.nan, math.nan, math.nan, math.nan)
    lowest = min(one.lowest for one in sums if one.lowest is not None)
    highest = max(one.highest for one in sums if one.highest is not None)
    return (*moments, lowest, highest)


def _rounded(moments: tuple[int, float, float] | None) -> tuple[int, float, float] | None:
    if moments is None:
        return None
    pixels, mean, std = moments
    return pixels, float(f"{mean:.{SIGNIFICANT}g}"), float(f"{std:.{SIGNIFICANT}g}")


def _square(labels: NDArray[np.int64], pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    whole = np.zeros((N_SEASONS, N_SEASONS, N_LABELS, N_LABELS), np.int64)
    for season in range(N_SEASONS):
        whole[season, season] = np.diag(labels[season])
    for (first, second), counts in zip(SEASON_PAIRS, pairs, strict=True):
        whole[first, second], whole[second, first] = counts, counts.T
    return whole


def _mean_probability(shards: Sequence[ShardRecord], labels: NDArray[np.int64]) -> NDArray[np.float64] | None:
    if not shards or not all(shard.dw_prob_totals for shard in shards):
        return None
    totals = np.sum([np.array(shard.dw_prob_totals, np.int64) for shard in shards], axis=0)
    labelled = labels[:, :N_DW_CLASSES].sum(axis=1, keepdims=True)
    mean: NDArray[np.float64] = totals / np.where(labelled, labelled * 255.0, np.nan)
    return mean
