"""What the stored pixels look like in figures: labels a season, mean and deviation a band, and what scaled them."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.histograms import percentiles
from pipeline.manifest.index import SPLIT
from pipeline.scaling import StoreScaling
from pipeline.schema.bands import Scaling
from pipeline.schema.records import N_SEASONS, ShardRecord
from pipeline.store_statistics import LABELS, PERCENTS, SIGNIFICANT, BandStatistics, store_statistics
from pipeline.tally import SEASON_PAIRS


def statistics_record(shards: Sequence[ShardRecord], scaling: StoreScaling) -> dict[str, Any]:
    """The statistics as plain data, from the records of all shards.

    Bands are described in raw units (digital numbers, dB) over the observed pixels of all seasons and of each,
    beside the mean and deviation that scale the store. What was never observed is null; percentiles are read from
    histograms, to the width of a bin (pipeline/histograms.py). Labels are counted by split and season in the order of
    'label_classes', and for every pair of seasons by the first one's (row) and the second one's label (column).
    """
    found = store_statistics(shards)
    labels = found.label_count
    record = {
        "label_classes": list(LABELS),
        "label_pixels_per_season": {SPLIT: labels.tolist()},
        "label_pairs": {SPLIT: [_pair(found.label_pair_count, *pair) for pair in SEASON_PAIRS]},
        "label_valid_share": _rounded(float(labels[:, :-1].sum() / labels.sum())),
        "scaling": {"source": scaling.s2.source, "clip_std": scaling.s2.clip_std},
        "s2": _bands(found.s2, scaling.s2, "reflectance x 10000"),
        "s1": _bands(found.s1, scaling.s1, "dB"),
    }
    if found.dw_prob_mean is not None:
        record["dw_prob_mean_per_season"] = [_plain(season) for season in found.dw_prob_mean]
    return record


def _pair(together: NDArray[np.int64], first: int, second: int) -> dict[str, Any]:
    return {"seasons": [first, second], "pixels": together[first, second].tolist()}


def _bands(found: BandStatistics, scaling: Scaling, unit: str) -> list[dict[str, Any]]:
    plain = []
    for at, band in enumerate(found.bands):
        pixels, mean, std = found.overall[at] or (0, None, None)
        plain.append(
            {
                "band": band,
                "unit": unit,
                "pixels": pixels,
                "mean": mean,
                "std": std,
                "percentiles": percentile_record(found.histogram[:, at].sum(axis=0), found.edges),
                "scaling_mean": scaling.mean[at],
                "scaling_std": scaling.std[at],
                "seasons": [_season(found, season, at) for season in range(N_SEASONS)],
            }
        )
    return plain


def _season(found: BandStatistics, season: int, band: int) -> dict[str, Any]:
    mean, std, lowest, highest = _plain(
        np.array([figure[season, band] for figure in (found.mean, found.std, found.lowest, found.highest)])
    )
    return {
        "pixels": int(found.pixels[season, band]),
        "mean": mean,
        "std": std,
        "lowest": lowest,
        "highest": highest,
        "percentiles": percentile_record(found.histogram[season, band], found.edges),
    }


def percentile_record(histogram_b: NDArray[np.int64], edges: NDArray[np.float64]) -> dict[str, float | None]:
    """The percentiles PERCENTS of one histogram (1024,), by name; null where nothing was observed."""
    found = _plain(percentiles(histogram_b, edges, np.array(PERCENTS)))
    return dict(zip([f"{p:g}" for p in PERCENTS], found, strict=True))


def _plain(values: NDArray[np.float64]) -> list[float | None]:
    return [_rounded(value) if math.isfinite(value) else None for value in values.tolist()]


def _rounded(value: float) -> float:
    return float(f"{value:.{SIGNIFICANT}g}")
