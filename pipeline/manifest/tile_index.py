"""The index of a downstream data set: a row a tile, in the columns of the pretraining set's index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipeline.manifest.index import split_at_antimeridian
from pipeline.schema.tiles import Split, TilePair, TileRow, TileShardRecord

DTYPES: Final[dict[str, Any]] = {
    "s2_id": "string",
    "s1_id": "string",
    "dw_id": "string",
    "s2_datetime": "datetime64[us, UTC]",
    "s1_datetime": "datetime64[us, UTC]",
    "processing_baseline": "string",
    "s2_tile": "string",
    "s1_orbit_pass": "string",
    "s1_relative_orbit": "Int64",
    "cloud_pct": "float64",
}
"""Of the columns that may be null in every row, as where others' files do not say which scenes they show."""


@dataclass(frozen=True)
class TileStore:
    """One finished store of a downstream data set: its rows, and the records of all its shards."""

    name: str
    """For example dw_train; the store is store/dw_train.zarr."""
    split: Split
    rows: tuple[TileRow, ...]
    shards: tuple[TileShardRecord, ...]


def tile_index_rows(path: str, store: TileStore, pairs: Sequence[TilePair], label_source: str) -> list[dict[str, Any]]:
    """The index rows of one store, by row; `path` is the store's in the run directory.

    The columns are those of the pretraining set's index; season is 0, dw_id null, location_id the tile's id. A tile
    without a pair has null scenes; one whose epsg is 0 lies nobody knows where and has no geometry.
    """
    scenes = {pair.tile_id: pair for pair in pairs}
    labelled = [n for shard in sorted(store.shards, key=lambda s: s.shard) for n in shard.labelled_px]
    rows = []
    for row, valid_px in zip(sorted(store.rows, key=lambda r: r.row), labelled, strict=True):
        pair, grid = scenes.get(row.tile_id, TilePair(row.tile_id)), row.grid
        rows.append(
            {
                "location_id": row.tile_id,
                "season": 0,
                "split": store.split,
                "store": path,
                "row": row.row,
                **_scene_columns(pair),
                "epsg": grid.epsg,
                "geotransform": list(grid.affine),
                "cloud_pct": pair.s2_cloud_pct,
                "label_source": label_source,
                "label_valid_frac": valid_px / (grid.width_px * grid.height_px),
                "geometry": split_at_antimeridian(grid.footprint_lonlat()) if grid.epsg else None,
            }
        )
    return rows


def _scene_columns(pair: TilePair) -> Mapping[str, Any]:
    return {
        "s2_id": pair.s2_id,
        "s1_id": pair.s1_id,
        "dw_id": None,
        "s2_datetime": pair.s2_time,
        "s1_datetime": pair.s1_time,
        "processing_baseline": pair.s2_baseline,
        "s2_tile": pair.s2_tile,
        "s1_orbit_pass": pair.s1_orbit_pass,
        "s1_relative_orbit": pair.s1_relative_orbit,
    }
