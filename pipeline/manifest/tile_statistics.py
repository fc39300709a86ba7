"""What the stores of a downstream data set hold in figures: pixels a class, mean and deviation a band."""

from collections.abc import Sequence
from typing import Any

from pipeline.manifest.tile_index import TileStore
from pipeline.scaling import BandTotals
from pipeline.schema.bands import S1_BANDS, S2_BANDS
from pipeline.schema.records import BandSum
from pipeline.store_statistics import SIGNIFICANT
from pipeline.tile_arrays import class_counts


def tile_statistics(stores: Sequence[TileStore]) -> dict[str, Any]:
    """The statistics as plain data, by store; bands in raw units over observed pixels, null where there are none."""
    return {store.name: _store(store) for store in stores}


def _store(store: TileStore) -> dict[str, Any]:
    pixels = sum(row.grid.width_px * row.grid.height_px for row in store.rows)
    labelled = sum(sum(shard.labelled_px) for shard in store.shards)
    return {
        "split": store.split,
        "tiles": len(store.rows),
        "label_pixels": class_counts(store.shards),
        "labelled_pixels": labelled,
        "label_valid_share": _rounded(labelled / pixels),
        "s2": _bands(S2_BANDS, [shard.s2_sums for shard in store.shards], "reflectance x 10000"),
        "s1": _bands(S1_BANDS, [shard.s1_sums for shard in store.shards], "dB"),
    }


def _bands(bands: tuple[str, ...], shards: Sequence[Sequence[BandSum]], unit: str) -> list[dict[str, Any]]:
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
            }
        )
    return plain


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{SIGNIFICANT}g}")
