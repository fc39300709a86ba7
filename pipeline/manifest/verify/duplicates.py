"""Whether anything is in the data set twice: a location, a scene on the same ground, or the very pixels."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.manifest.digest_table import DIGEST_BYTES, ArrayDigests
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.grids import is_placed
from pipeline.manifest.verify.index_rows import IndexRows, index_rows
from pipeline.manifest.verify.tree import INDEX, PublishedTree
from pipeline.tile_arrays import IMAGES

GROUND: Final = ("epsg", "left_m", "top_m")


def check(tree: PublishedTree) -> Iterator[Finding]:
    """Locations twice in a split, scenes twice on one grid, and rows of equal images, wherever they are."""
    rows = index_rows(tree)
    if rows is not None:
        yield from _locations(rows)
        yield from _scenes(rows)
    for array in IMAGES:
        yield from _pixels(tree, array)


def _locations(rows: IndexRows) -> Iterator[Finding]:
    """Locations that fill more than one row of a split."""
    at = rows.first_of_each
    places = rows.frame.iloc[at]
    for one in np.flatnonzero(places.duplicated(["split", "location_id"]).to_numpy()).tolist():
        place = places.iloc[one]
        same = places[(places["location_id"] == place["location_id"]) & (places["split"] == place["split"])].iloc[0]
        what = f"location {place['location_id']} is in {same['store']} row {same['row']} too"
        yield rows.finding("duplicates", int(at[one]), what)


def _scenes(rows: IndexRows) -> Iterator[Finding]:
    """The same Sentinel-2 scene on the same pixels of the ground, in another row or another season."""
    frame = rows.frame
    named = frame["s2_id"].notna().to_numpy() & is_placed(rows)
    table = frame[["s2_id", "epsg", "store", "row", "season"]].assign(left_m=rows.affine[:, 2], top_m=rows.affine[:, 5])
    table = table[named]
    # A row that is named twice is the index check's to tell.
    table = table[~table.duplicated(["store", "row", "season"])]
    keys = ["s2_id", *GROUND]
    again = table[table.duplicated(keys, keep=False)]
    if again.empty:
        return
    for _, group in again.groupby(keys, sort=False):
        first = group.iloc[0]
        for at, scene in zip(group.index[1:].tolist(), group["s2_id"].iloc[1:], strict=True):
            what = f"{scene} is on the same ground in {first['store']} row {first['row']} season {first['season']}"
            yield rows.finding("duplicates", at, what)


def _pixels(tree: PublishedTree, array: str) -> Iterator[Finding]:
    """Rows whose images are equal to the last bit, as their published digests say; empty ones are such too."""
    found = [one for one in tree.digests.arrays if one.array == array]
    if not found:
        return
    stores = np.repeat(np.arange(len(found)), [len(one.digest) for one in found])
    row = np.concatenate([np.arange(len(one.digest)) for one in found])
    again, first = _repeated(np.concatenate([one.digest for one in found]))
    for at, before in zip(again.tolist(), first.tolist(), strict=True):
        mine, other = found[stores[at]], found[stores[before]]
        yield _equal_rows(tree, mine, int(row[at]), other, int(row[before]))


def _equal_rows(tree: PublishedTree, mine: ArrayDigests, row: int, other: ArrayDigests, before: int) -> Finding:
    where = f"{mine.store} {mine.array} row {row}{tree.location(mine.store, row)}"
    what = f"pixels are those of {other.store} row {before}{tree.location(other.store, before)}"
    return Finding("duplicates", where, what, path=INDEX, store=mine.store, array=mine.array, row=row)


def _repeated(digests: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows whose digest an earlier one has, and the first that has it; digests of zeros stand for none."""
    keys = np.ascontiguousarray(digests).view(f"V{DIGEST_BYTES}").reshape(-1)
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    earliest = first[which]
    again = np.flatnonzero((earliest != np.arange(len(keys))) & digests.any(axis=1))
    return again, earliest[again]
