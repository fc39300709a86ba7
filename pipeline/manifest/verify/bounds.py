"""How much an array may say that it holds: metadata can say anything, and its reader asks for that much memory."""

import math
from typing import Any, Final

SEASON: Final = "season"
"""The dimension of pretraining arrays of that name; downstream rows have one season."""

ROW_BYTES: Final = 2**28
"""Decoded bytes of a row, and of a chunk that is decoded at once; those of a release have a few million."""

ENTRY_BYTES: Final = 16
"""Of a shard's index, offset and length of a chunk (Zarr v3 specification, codec sharding_indexed)."""

INDEX_BYTES: Final = 2**26
"""Of a shard's index; those of a release have some thousand."""

HELD_BYTES: Final = 2**29
"""Of a shard's rows that are held at once because their chunks lie mixed up; a release's whole shard is less."""

HELD_ROWS: Final = 4
"""That are held at once however large: zarr-python writes chunks in Morton order."""

ROW_COST: Final = 2**10
"""Bytes that a row takes beside its values while it is under way."""

PLACES: Final = 2**20
"""Rows times seasons that an array may have beyond those that the manifest knows: the largest set known has so many,
and of such a set's manifest both tables that know them may be lost."""


def beyond_bounds(array: Any, known: int) -> str | None:
    """Why an opened array is not looked at, or None; `known` are the places that the manifest knows in its store."""
    if not array.shape:
        return None
    item = array.dtype.itemsize
    sizes = {
        "a row": math.prod(array.shape[1:]) * item,
        "a chunk": math.prod(array.chunks) * item,
    }
    for what, size in sizes.items():
        if size > ROW_BYTES:
            return f"not read: {size} bytes {what}"
    if array.shards is not None:
        entries = math.prod(array.shards) // max(1, math.prod(array.chunks))
        if entries * ENTRY_BYTES > INDEX_BYTES:
            return f"not read: {entries} chunks a shard"
    places = array.shape[0] * seasons_in(array)
    if places > known + PLACES:
        return f"not read: it has {places} rows and seasons, the manifest knows of {known}"
    return None


def rows_at_once(row_bytes: int) -> int:
    """How many rows of a shard may be under way at once."""
    return max(HELD_ROWS, HELD_BYTES // (row_bytes + ROW_COST))


def longest_chunk(chunk_bytes: int) -> int:
    """More bytes than any codec takes for a chunk of that many."""
    return 2 * chunk_bytes + 2**16


def seasons_in(array: Any) -> int:
    """How many seasons a row of an array has, by its dimensions' names; 1 where none is named so."""
    names = array.metadata.dimension_names or ()
    return int(array.shape[names.index(SEASON)]) if SEASON in names else 1
