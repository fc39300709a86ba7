"""What the stored pixels look like in figures: class histograms a season, mean and deviation a band."""

import math
from collections.abc import Sequence
from typing import Any

from pipeline.schema.bands import S1_SCALING, S2_SCALING, Scaling
from pipeline.schema.landcover import DW_CLASSES
from pipeline.schema.records import N_SEASONS, BandSum, ShardRecord

SIGNIFICANT = 8
"""Digits kept: sums over shards of another size differ in the last of a float64's sixteen."""


def statistics_record(shards: Sequence[ShardRecord]) -> dict[str, Any]:
    """The statistics as plain data, from the records of all shards.

    Bands are described in raw units (digital numbers, dB) over the observed pixels of all seasons, beside the
    published mean and deviation that scale the store.
    """
    seasons = [[sum(column) for column in zip(*counts, strict=True)] for counts in _by_season(shards)]
    labelled = sum(sum(counts[:-1]) for counts in seasons)
    return {
        "label_classes": [*(c.name for c in DW_CLASSES), "no label"],
        "label_pixels_per_season": seasons,
        "label_valid_share": _rounded(labelled / sum(sum(counts) for counts in seasons)),
        "s2": _bands(S2_SCALING, [shard.s2_sums for shard in shards], "reflectance x 10000"),
        "s1": _bands(S1_SCALING, [shard.s1_sums for shard in shards], "dB"),
    }


def _by_season(shards: Sequence[ShardRecord]) -> list[list[tuple[int, ...]]]:
    return [[shard.class_count[season] for shard in shards] for season in range(N_SEASONS)]


def _bands(scaling: Scaling, shards: Sequence[Sequence[BandSum]], unit: str) -> list[dict[str, Any]]:
    return [
        {
            "band": band,
            "unit": unit,
            **_moments([shard[at] for shard in shards]),
            "scaling_mean": scaling.mean[at],
            "scaling_std": scaling.std[at],
        }
        for at, band in enumerate(scaling.bands)
    ]


def _moments(sums: Sequence[BandSum]) -> dict[str, Any]:
    """Observed pixels, mean and population standard deviation; null where nothing was observed."""
    pixels = sum(s.pixels for s in sums)
    if not pixels:
        return {"pixels": 0, "mean": None, "std": None}
    mean = math.fsum(s.total for s in sums) / pixels
    variance = max(math.fsum(s.squares for s in sums) / pixels - mean**2, 0.0)
    return {"pixels": pixels, "mean": _rounded(mean), "std": _rounded(math.sqrt(variance))}


def _rounded(value: float) -> float:
    return float(f"{value:.{SIGNIFICANT}g}")
