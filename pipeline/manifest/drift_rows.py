"""Which locations' pixels differ between two data sets, from the digests of their rows alone: no pixel is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.files import is_file
from pipeline.manifest.digest_table import DIGEST_BYTES, DIGESTS_FILE, DigestTable, read_digests
from pipeline.manifest.drift_side import ID, Side


@dataclass(frozen=True)
class RowDrift:
    """One array over the rows of the shared locations."""

    array: str
    same: int
    """Locations whose values are the same on both sides."""
    moved: int
    """Of those, in another row, shard file or store."""
    changed: tuple[str, ...]
    """Locations whose values differ somewhere."""
    unknown: tuple[str, ...]
    """Locations of whose row one side has no digest."""
    only_ours: int
    """Locations in whose store only ours has such an array."""
    only_published: int


@dataclass(frozen=True, eq=False)
class _Placed:
    """One array of one side, a row a shared location."""

    digest: NDArray[np.uint8]
    """(locations, 32)."""
    where: NDArray[np.int64]
    """(locations, 3): store, shard and row."""
    there: NDArray[np.bool_]
    """Whether the location's store has the array."""
    known: NDArray[np.bool_]
    """Whether the row has a digest."""


def row_drift(ours: Side, published: Side) -> tuple[RowDrift, ...] | None:
    """How the rows of the shared locations compare, an array each by name; None where one side has no digests."""
    tables = [_digests_of(side) for side in (ours, published)]
    if tables[0] is None or tables[1] is None:
        return None
    shared = ours.ids.intersection(published.ids, sort=False)
    rows = [_rows_of(side, shared) for side in (ours, published)]
    names = sorted({one.array for table in tables if table is not None for one in table.arrays})
    stores = sorted({store for side in rows for store in side["store"].dropna()})
    placed = [
        {name: _placed(table, frame, name, stores) for name in names}
        for table, frame in zip(tables, rows, strict=True)
        if table is not None
    ]
    return tuple(_compare(name, shared.to_numpy(), placed[0][name], placed[1][name]) for name in names)


def differing(rows: Sequence[RowDrift], arrays: Sequence[str]) -> set[str]:
    """The locations that the digests do not show to be the same in all of `arrays`."""
    return {location_id for one in rows if one.array in arrays for location_id in (*one.changed, *one.unknown)}


def _digests_of(side: Side) -> DigestTable | None:
    if side.manifest is None or not side.has("store", "row") or not is_file(side.manifest / DIGESTS_FILE):
        return None
    return read_digests(side.manifest / DIGESTS_FILE)


def _rows_of(side: Side, ids: Any) -> pd.DataFrame:
    """Store and row of each location, in the order of `ids`."""
    first: pd.DataFrame = side.index.drop_duplicates(ID).set_index(ID)[["store", "row"]]
    return first.reindex(ids)


def _placed(table: DigestTable, rows: pd.DataFrame, array: str, stores: Sequence[str]) -> _Placed:
    count = len(rows)
    digest = np.zeros((count, DIGEST_BYTES), np.uint8)
    where = np.full((count, 3), -1, np.int64)
    there, known = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    number = rows["row"].fillna(-1).to_numpy(np.int64)
    for store in table.stores:
        one = table.of(store, array)
        held = (rows["store"] == store).to_numpy()
        if one is None or not held.any():
            continue
        there |= held
        inside = held & (number >= 0) & (number < len(one.digest))
        digest[inside] = one.digest[number[inside]]
        known |= inside
        where[inside, 0] = stores.index(store)
        where[inside, 1] = one.shard[number[inside]]
        where[inside, 2] = number[inside]
    return _Placed(digest, where, there, known & digest.any(axis=1))


def _compare(array: str, ids: NDArray[Any], ours: _Placed, published: _Placed) -> RowDrift:
    there = ours.there & published.there
    known = there & ours.known & published.known
    equal = known & (ours.digest == published.digest).all(axis=1)
    moved = equal & (ours.where != published.where).any(axis=1)
    return RowDrift(
        array=array,
        same=int(equal.sum()),
        moved=int(moved.sum()),
        changed=tuple(map(str, ids[known & ~equal])),
        unknown=tuple(map(str, ids[there & ~known])),
        only_ours=int((ours.there & ~published.there).sum()),
        only_published=int((published.there & ~ours.there).sum()),
    )
