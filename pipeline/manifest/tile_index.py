"""The index of a downstream data set: a row a tile, in the columns of the pretraining set's index."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipeline.manifest.index import MATCHED, SCHEMA, with_places
from pipeline.manifest.made_from import StoredTile
from pipeline.schema.tiles import Split, TilePair, TileRow, TileShardRecord


@dataclass(frozen=True)
class TileStore:
    """One finished store of a downstream data set: its rows, and the records of all its shards."""

    name: str
    """For example dw_train; the store is store/dw_train.zarr."""
    split: Split
    rows: tuple[TileRow, ...]
    shards: tuple[TileShardRecord, ...]


def stored_tiles(stores: Sequence[TileStore], pairs: Sequence[TilePair]) -> Iterator[StoredTile]:
    """The rows of all stores with the scenes that they show; a tile without a pair has none. `pairs` may hold more."""
    scenes = {pair.tile_id: pair for pair in pairs}
    for store in stores:
        for row in sorted(store.rows, key=lambda row: row.row):
            yield StoredTile(store.name, row, scenes.get(row.tile_id, TilePair(row.tile_id)))


def tile_index_table(
    paths: dict[str, str], splits: dict[str, str], tiles: Sequence[StoredTile], labelled_px: Sequence[int], label: str
) -> pa.Table:
    """The index of all stores, by store and row.

    `paths` are the stores' relative to the data set's folder and `splits` their splits, by name; `labelled_px` the
    labelled pixels of every tile in that order; `label` the source of the labels. season is 0, dw_id null, location_id
    the tile's id.
    """
    columns = {
        "location_id": [tile.tile.tile_id for tile in tiles],
        "season": [0] * len(tiles),
        "split": [splits[tile.store] for tile in tiles],
        "store": [paths[tile.store] for tile in tiles],
        "row": [tile.tile.row for tile in tiles],
        **{column: [getattr(tile.pair, name, None) for tile in tiles] for name, column in MATCHED.items()},
        "label_source": [label] * len(tiles),
        "label_valid_frac": [
            pixels / (tile.tile.grid.width_px * tile.tile.grid.height_px)
            for tile, pixels in zip(tiles, labelled_px, strict=True)
        ],
    }
    typed = {name: pa.array(values, SCHEMA.field(name).type) for name, values in columns.items()}
    return with_places(typed, [tile.tile.grid for tile in tiles], np.arange(len(tiles)))
