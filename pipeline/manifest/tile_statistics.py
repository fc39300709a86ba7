"""What the stores of a downstream data set hold in figures: pixels a class, mean, deviation and percentiles a band."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.histograms import N_BINS, S1_EDGES, S2_EDGES, add_up
from pipeline.manifest.statistics import percentile_record
from pipeline.scaling import BandTotals
from pipeline.schema.bands import S1_BANDS, S2_BANDS
from pipeline.schema.records import BandSum
from pipeline.schema.tiles import TileShardRecord
from pipeline.store_statistics import SIGNIFICANT
from pipeline.tile_arrays import class_counts


def tile_statistics(split: str, tiles: int, side_px: int, shards: Sequence[TileShardRecord]) -> dict[str, Any]:
    """The statistics of one store as plain data; bands in raw units over observed pixels, null where there are none.

    Percentiles are read from histograms, to the width of a bin (pipeline/histograms.py); null where the shards were
    written by a version that kept none.
    """
    labelled = sum(sum(shard.labelled_px) for shard in shards)
    kept = all(shard.s2_histogram and shard.s1_histogram for shard in shards)
    return {
        "split": split,
        "tiles": tiles,
        "label_pixels": class_counts(shards),
        "labelled_pixels": labelled,
        "label_valid_share": _rounded(labelled / (tiles * side_px**2)),
        "s2": _bands(
            S2_BANDS,
            [shard.s2_sums for shard in shards],
            add_up([shard.s2_histogram for shard in shards] if kept else [], 1, len(S2_BANDS))[0],
            S2_EDGES,
            "reflectance x 10000",
        ),
        "s1": _bands(
            S1_BANDS,
            [shard.s1_sums for shard in shards],
            add_up([shard.s1_histogram for shard in shards] if kept else [], 1, len(S1_BANDS))[0],
            S1_EDGES,
            "dB",
        ),
    }


def _bands(
    bands: tuple[str, ...],
    shards: Sequence[Sequence[BandSum]],
    histogram: NDArray[np.int64],
    edges: NDArray[np.float64],
    unit: str,
) -> list[dict[str, Any]]:
    assert histogram.shape == (len(bands), N_BINS)
    totals = BandTotals(bands)
    plain = []
    for at, band in enumerate(bands):
        sums = [shard[at] for shard in shards]
        for found in sums:
            totals.add_sum(found, at)
        seen, mean, std = totals.moments(at) or (0, None, None)
        plain.append(
            {
                "band": band,
                "unit": unit,
                "pixels": seen,
                "mean": _rounded(mean),
                "std": _rounded(std),
                "lowest": min((s.lowest for s in sums if s.lowest is not None), default=None),
                "highest": max((s.highest for s in sums if s.highest is not None), default=None),
                "percentiles": percentile_record(histogram[at], edges),
            }
        )
    return plain


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{SIGNIFICANT}g}")
