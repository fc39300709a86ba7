"""The content digest of a data set: what it holds, whatever bytes hold it."""

import asyncio
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import zarr
from zarr.core.sync import sync

from pipeline.content import PREFIX, array_digest, canonical_json, row_digest, tree_digest
from pipeline.files import is_file, listed, zarr_store
from pipeline.parts import UNREADABLE, readable
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath

BLOCK_BYTES: Final = 64 * 2**20
"""Decoded bytes read at a time, at least one row."""

INDEX_ROWS: Final = 2**14
"""Rows of an index held as Python objects at a time."""

INDEX_COLUMNS: Final = (
    "location_id",
    "season",
    "row",
    "split",
    "s2_id",
    "s1_id",
    "dw_id",
    "s2_datetime",
    "s1_datetime",
    "processing_baseline",
    "epsg",
    "geotransform",
    "label_source",
)
"""What of the index is part of the content: which scenes, when, and where each pixel lies."""


_AGAIN: Final = "restore it from a copy, or run noldo manifest write DIR"
"""What to do about an index that cannot be used."""


@dataclass(frozen=True)
class ContentDigest:
    """SHA-256 digests over decoded content: rows make an array, arrays a store, stores and index the data set."""

    dataset: str
    """Over `store` and `index`."""
    store: str
    """Over `arrays`; the store carries it as its attribute content_digest. Of several stores, over theirs by name."""
    index: str | None
    """Over the index rows, or None where there is no index."""
    arrays: tuple[tuple[str, str], ...]
    """(array, digest), by name."""
    rows: int
    """Rows of all stores."""

    def as_json(self) -> dict[str, Any]:
        """Plain data for --json and the manifest."""
        return {
            "dataset": self.dataset,
            "store": self.store,
            "index": self.index,
            "arrays": dict(self.arrays),
            "rows": self.rows,
        }


def digest_run(run: RunLayout, name: str | None = None) -> ContentDigest:
    """Digest a run's stores, or the one of that name, and its index; UsageError where they are not there.

    A run of several stores must hold those that its index names, and no other.
    """
    stores = [run.store(name)] if name else listed(run.store("nol").parent, "*.zarr")
    found = ", ".join(store.stem for store in stores if store.is_dir()) or "none"
    if not stores or not all(store.is_dir() for store in stores):
        raise UsageError(
            f"{run.root}/store: expected one finished store to digest, found {found}; name the folder that was given "
            "to noldo build as --out, or finish that build"
        )
    if not is_file(run.index):
        raise UsageError(f"{run.index} is not there; finish the build with noldo build")
    if len(stores) == 1:
        return content_digest(stores[0], run.index)
    named = _stores_named(run.index)
    if named != {f"{store.parent.name}/{store.name}" for store in stores}:
        expected = ", ".join(sorted(store.rpartition("/")[2].removesuffix(".zarr") for store in named))
        raise UsageError(
            f"{run.root}/store: the index names {expected}, found {found}; move away what is not of this data set, "
            "or restore what is missing from a copy"
        )
    read = {store.stem: content_digest(store, None) for store in stores}
    return combine_stores(
        {stem: dict(digest.arrays) for stem, digest in read.items()},
        index_digest(run.index),
        sum(digest.rows for digest in read.values()),
    )


def content_digest(store: AnyPath, index: AnyPath | None) -> ContentDigest:
    """Digest a store and, where given, its index by reading all of it, a block of rows at a time.

    Raises NoldoError where something cannot be read; a damaged chunk fails its checksum.
    """
    try:
        group = zarr.open_group(zarr_store(store), mode="r")
        arrays: dict[str, Any] = dict(sorted(group.arrays()))
        digests = {name: _read_array_digest(array) for name, array in arrays.items()}
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        sync(_end_of_reads())
        raise NoldoError(
            f"{store} cannot be read ({error}); restore it from a copy, or let 'sha256sum -c "
            "manifest/manifest-sha256.txt' name what is damaged, delete that and run the build again"
        ) from error
    if not arrays:
        raise NoldoError(f"{store} holds no arrays; name another folder, or run the build again to finish it")
    rows = max(int(array.shape[0]) for array in arrays.values())
    return combine(digests, None if index is None else index_digest(index), rows)


async def _end_of_reads() -> None:
    """Wait for the chunks that are still being read after one has failed.

    Zarr leaves them on its event loop; asyncio complains of every one where the process ends before them.
    """
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)


def combine(arrays: dict[str, str], index: str | None, rows: int) -> ContentDigest:
    """The digest of a data set from those of its arrays and its index."""
    store = tree_digest(arrays)
    dataset = tree_digest({"store": store} if index is None else {"store": store, "index": index})
    return ContentDigest(dataset=dataset, store=store, index=index, arrays=tuple(sorted(arrays.items())), rows=rows)


def combine_stores(stores: Mapping[str, dict[str, str]], index: str | None, rows: int) -> ContentDigest:
    """The digest of a data set from those of the arrays of every store; of one store, that of `combine`.

    Of several, `store` is over each store's own digest by name, and arrays are named store/array.
    """
    if len(stores) == 1:
        (arrays,) = stores.values()
        return combine(arrays, index, rows)
    whole = {name: tree_digest(arrays) for name, arrays in stores.items()}
    digest = combine(whole, index, rows)
    named = {f"{name}/{array}": value for name, found in stores.items() for array, value in found.items()}
    return replace(digest, arrays=tuple(sorted(named.items())))


def index_digest(index: AnyPath) -> str:
    """The digest of an index's content: its rows in order of split, store row and season, the columns INDEX_COLUMNS.

    NoldoError where it cannot be read, lacks a column, or holds what is no text, no time or no number.
    """
    try:
        table = pq.ParquetFile(readable(index), page_checksum_verification=True).read(columns=list(INDEX_COLUMNS))
        missing = [name for name in INDEX_COLUMNS if name not in table.column_names]
        if missing:
            raise NoldoError(f"{index} lacks the column {missing[0]}; {_AGAIN}")
        return _rows_digest(table)
    except (*UNREADABLE, TypeError, AttributeError, OverflowError) as error:
        raise NoldoError(f"{index} cannot be read ({error}); {_AGAIN}") from error


def _rows_digest(table: pa.Table) -> str:
    order = pc.sort_indices(table, [(name, "ascending") for name in ("split", "row", "season")])
    digest = hashlib.sha256()
    for start in range(0, len(order), INDEX_ROWS):  # as Python objects all rows would take 2 KB each
        block = table.take(order[start : start + INDEX_ROWS])
        columns = [_plain_column(block[name]) for name in INDEX_COLUMNS]
        for row in zip(*columns, strict=True):
            digest.update(canonical_json(dict(zip(INDEX_COLUMNS, row, strict=True))) + b"\n")
    return PREFIX + digest.hexdigest()


def _stores_named(index: AnyPath) -> set[str]:
    try:
        return set(pq.ParquetFile(readable(index)).read(columns=["store"])["store"].to_pylist())
    except (OSError, KeyError, pa.ArrowException) as error:
        raise NoldoError(f"{index} cannot be read ({error}); {_AGAIN}") from error


def _plain_column(column: pa.ChunkedArray) -> list[Any]:
    """A column's values as plain data, times in UTC as ISO 8601; of many equal ones each is turned once."""
    if not pa.types.is_timestamp(column.type):
        values: list[Any] = column.to_pylist()
        return values
    encoded = column.combine_chunks().dictionary_encode()
    texts = [moment.astimezone(UTC).isoformat() for moment in encoded.dictionary.to_pylist()]
    return [None if at is None else texts[at] for at in encoded.indices.to_pylist()]


def _read_array_digest(array: Any) -> str:
    return array_digest(array.dtype.name, array.shape[1:], _read_row_digests(array))


def _read_row_digests(array: Any) -> Iterator[str]:
    row_bytes = int(np.prod(array.shape[1:], dtype=np.int64)) * array.dtype.itemsize
    step = max(1, BLOCK_BYTES // row_bytes)
    for start in range(0, array.shape[0], step):
        for row in np.asarray(array[start : start + step]):
            yield row_digest(row)
