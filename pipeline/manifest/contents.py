"""What a manifest says, put together from a finished run's tables and its stores' metadata; no pixel is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import zarr

from pipeline.content import DIGEST_ATTRIBUTE, array_digest, tree_digest
from pipeline.files import listed, zarr_store
from pipeline.manifest.digest_table import ArrayDigests
from pipeline.manifest.index import MATCH_COLUMNS, index_table
from pipeline.manifest.made_from import ROWS, MadeFrom, StoredTile, StoreMade
from pipeline.manifest.statistics import statistics_record
from pipeline.manifest.tile_index import tile_index_table
from pipeline.manifest.tile_statistics import tile_statistics
from pipeline.parts import read_columns, read_part
from pipeline.schema.errors import NoldoError
from pipeline.schema.layout import RunLayout
from pipeline.schema.records import ShardRecord
from pipeline.schema.tiles import TileShardRecord
from pipeline.store_arrays import stored_scaling
from pipeline.tile_arrays import open_tile_arrays

FILTERED_ROWS: Final = 2**16
"""Rows of a table looked at together: every look makes a set of all stored locations."""


@dataclass(frozen=True)
class StoreContents:
    """One store, as it is and as the records of its shards tell of it."""

    made: StoreMade
    path: str
    """Relative to the data set's folder, for example store/nol.zarr."""
    arrays: Mapping[str, Any]
    """Opened, by name."""
    digests: tuple[ArrayDigests, ...]
    """Of every array."""
    content: Mapping[str, str]
    """Every array's own digest, by name."""
    rows: int
    shards: tuple[Any, ...]
    """ShardRecord or TileShardRecord, in order."""


@dataclass(frozen=True)
class Contents:
    """All of a manifest that comes out of tables."""

    stores: tuple[StoreContents, ...]
    index: pa.Table
    statistics: dict[str, Any]

    @property
    def rows(self) -> int:
        """Of all stores."""
        return sum(store.rows for store in self.stores)


def read_contents(run: RunLayout, made: MadeFrom) -> Contents:
    """Read a finished run's tables; NoldoError where a store cannot be read or is not the one they tell of."""
    pretraining = made.kind == "pretraining"
    stores = tuple(_store(run, store, ShardRecord if pretraining else TileShardRecord) for store in made.stores)
    if pretraining:
        return _pretraining(run, made, stores)
    return _tiles(run, made, stores)


def _pretraining(run: RunLayout, made: MadeFrom, stores: tuple[StoreContents, ...]) -> Contents:
    (store,) = stores
    rows = read_columns(run.table(ROWS, 0), ("row", "location_id"))
    stored = rows["location_id"].combine_chunks()
    index = index_table(
        store.path,
        rows,
        _of_stored(run, "sample", made.parts, ("location_id", "grid"), stored),
        _of_stored(run, "match", made.parts, MATCH_COLUMNS, stored),
        _of_stored(run, "quality", made.parts, ("location_id", "dw_valid_share"), stored),
        made.label_source,
    )
    try:
        scaling = stored_scaling(store.arrays)
    except (KeyError, ValueError) as error:
        raise NoldoError(f"{run.store(store.made.name)}: {error}; run the build again") from error
    return Contents(stores, index, statistics_record(store.shards, scaling))


def _of_stored(run: RunLayout, stage: str, parts: int, columns: Sequence[str], stored: pa.Array) -> pa.Table:
    """Columns of a stage's table, of those locations only that are in the store."""
    found: list[pa.Table] = []
    waiting: list[pa.Table] = []
    for part in range(parts):
        waiting.append(read_columns(run.table(stage, part), columns))
        if part == parts - 1 or sum(map(len, waiting)) >= FILTERED_ROWS:
            whole = pa.concat_tables(waiting)
            found.append(whole.filter(pc.is_in(whole["location_id"], value_set=stored)))
            waiting.clear()
    return pa.concat_tables(found).combine_chunks()


def _tiles(run: RunLayout, made: MadeFrom, stores: tuple[StoreContents, ...]) -> Contents:
    tiles = read_part(run.table(ROWS, 0), StoredTile)
    index = tile_index_table(
        {store.made.name: store.path for store in stores},
        {store.made.name: store.made.split for store in stores},
        tiles,
        [pixels for store in stores for shard in store.shards for pixels in shard.labelled_px],
        made.label_source or "",
    )
    statistics = {
        store.made.name: tile_statistics(store.made.split, store.rows, store.arrays["ignore"].shape[-1], store.shards)
        for store in stores
    }
    return Contents(stores, index, statistics)


def _store(run: RunLayout, made: StoreMade, record: type[Any]) -> StoreContents:
    """One store with the digests of its arrays by its records, once they are those that the store carries."""
    path = run.store(made.name)
    relative = f"{path.parent.name}/{path.name}"
    arrays = open_tile_arrays(path)
    tables = [run.table(made.table, made.first_part + shard) for shard in range(made.shards)]
    shards = tuple(sorted((read_part(table, record)[0] for table in tables), key=lambda shard: shard.shard))
    rows = {name: [digest for shard in shards for digest in shard.row_digests(name)] for name in arrays}
    for name, array in arrays.items():
        if array.shape[0] != len(rows[name]):
            raise NoldoError(
                f"{path}: '{name}' has {array.shape[0]} rows, expected {len(rows[name])}; run the build again"
            )
    content = {name: array_digest(array.dtype.name, array.shape[1:], rows[name]) for name, array in arrays.items()}
    carried = zarr.open_group(zarr_store(path), mode="r").attrs.get(DIGEST_ATTRIBUTE)
    if carried != tree_digest(content):
        raise NoldoError(
            f"{path} carries the content digest {carried}, but its shards were recorded as {tree_digest(content)}; "
            f"delete the store and run the build again"
        )
    digests = tuple(ArrayDigests.of(relative, name, rows[name], array.shards[0]) for name, array in arrays.items())
    count = len(next(iter(rows.values()), []))
    return StoreContents(made, relative, arrays, digests, content, count, shards)


def read_whole_table(run: RunLayout, stage: str) -> pa.Table:
    """All parts of a stage's table as one."""
    return pa.concat_tables(read_columns(path) for path in listed(run.table(stage, 0).parent, "part-*.parquet"))
