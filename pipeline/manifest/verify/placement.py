"""Whether the index names every row of every store once, in every season, and in the one split of that store."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.manifest.verify.bounds import SEASON, seasons_in
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.index_rows import DOWNSTREAM, IndexRows, split_expected
from pipeline.manifest.verify.tree import INDEX, PublishedTree


def placement_findings(tree: PublishedTree, rows: IndexRows) -> Iterator[Finding]:
    """Stores that only the index or only the folder has, and rows that are named twice, never or out of order."""
    members = {str(store): group.index.to_numpy() for store, group in rows.frame.groupby("store", sort=True)}
    for store in sorted({*members, *tree.stores}):
        arrays = tree.arrays.get(store, {})
        if store not in members:
            yield Finding("index", store, "no row of the index names this store", path=INDEX, store=store)
        elif store not in tree.stores:
            what = f"{len(members[store])} rows of the index are of this store, which is not there"
            yield Finding("index", store, what, path=INDEX, store=store)
        elif arrays:
            yield from _rows_of(store, arrays, rows, members[store])
            yield from _splits_of(store, DOWNSTREAM in arrays, rows, members[store])
    yield from _one_place(rows)


def _rows_of(store: str, arrays: Mapping[str, Any], rows: IndexRows, at: NDArray[np.int64]) -> Iterator[Finding]:
    counts = {name: int(array.shape[0]) for name, array in arrays.items() if array.shape}
    n_rows, n_seasons = max(counts.values(), default=0), seasons_of(arrays)
    for name in (name for name, count in counts.items() if count != n_rows):
        what = f"holds {counts[name]} rows, other arrays of the store {n_rows}"
        yield Finding("index", f"{store} {name}", what, path=f"{store}/{name}/zarr.json", store=store, array=name)
    row, season = (rows.frame[name].to_numpy()[at] for name in ("row", SEASON))
    inside = (row >= 0) & (row < n_rows) & (season >= 0) & (season < n_seasons)
    what = f"there is no such row and season: the store has rows 0..{n_rows - 1} and seasons 0..{n_seasons - 1}"
    for one in at[~inside].tolist():
        yield rows.finding("index", one, what)
    key = row[inside] * n_seasons + season[inside]
    times = np.bincount(key, minlength=n_rows * n_seasons)
    for one in np.flatnonzero(times > 1).tolist():
        yield rows.finding("index", int(at[inside][key == one][1]), f"named {times[one]} times, expected once")
    missing = times.reshape(n_rows, n_seasons) == 0
    for one in np.flatnonzero(missing.any(axis=1)).tolist():
        lacking = np.flatnonzero(missing[one]).tolist()
        told = "any season" if len(lacking) == n_seasons else f"season {', '.join(map(str, lacking))}"
        what = f"not in the index in {told}, expected once in each of {n_seasons}"
        yield Finding("index", f"{store} row {one}", what, path=INDEX, store=store, row=one)
    if (times <= 1).all() and (np.diff(key) <= 0).any():
        first = int(at[inside][1:][np.diff(key) <= 0][0])
        yield rows.finding("index", first, "out of order, expected by row and then season within a store")


def seasons_of(arrays: Mapping[str, Any]) -> int:
    """How many seasons a row of a store has, as the dimensions of its arrays say."""
    return next((n for n in map(seasons_in, arrays.values()) if n != 1), 1)


def _splits_of(store: str, downstream: bool, rows: IndexRows, at: NDArray[np.int64]) -> Iterator[Finding]:
    expected = split_expected(store, downstream)
    found = rows.frame["split"].iloc[at]
    allowed = expected.split(" or ")
    wrong = np.zeros(len(rows.frame), bool)
    wrong[at] = ~found.isin(allowed).to_numpy()
    yield from rows.findings("index", wrong, f"split {{split}}, expected {expected} of that store", "split")
    if len(allowed) > 1 and found.nunique() > 1:
        what = f"rows are in the splits {', '.join(sorted(found.unique()))}, expected one"
        yield Finding("index", store, what, path=INDEX, store=store)
    sources = rows.frame["label_source"].iloc[at]
    if sources.nunique(dropna=False) > 1:
        what = f"label_source is {', '.join(sorted(map(str, sources.unique())))}, expected one of a store"
        yield Finding("index", store, what, path=INDEX, store=store)


def _one_place(rows: IndexRows) -> Iterator[Finding]:
    """Rows whose seasons are said to be of several locations or to lie on several grids."""
    frame = rows.frame
    first = rows.first_of_its_row
    for name in ("location_id", "epsg"):
        values = frame[name].to_numpy()
        for one in np.flatnonzero(values != values[first]).tolist():
            what = f"{name} {values[one]}, but {values[first[one]]} in the row's season {frame[SEASON].iat[first[one]]}"
            yield rows.finding("index", one, what)
    for one in np.flatnonzero((rows.affine != rows.affine[first]).any(axis=1)).tolist():
        other = rows.affine[first[one]].tolist()
        yield rows.finding("index", one, f"geotransform {rows.affine[one].tolist()}, but {other} in another season")
