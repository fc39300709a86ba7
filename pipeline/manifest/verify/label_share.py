"""Whether label_valid_frac is the share of pixels that have a label, by the pixels themselves."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.index_rows import DOWNSTREAM, IndexRows
from pipeline.manifest.verify.placement import seasons_of
from pipeline.manifest.verify.tree import INDEX, PublishedTree
from pipeline.schema.landcover import IGNORE
from pipeline.store_arrays import LABELS

HALF_A_PIXEL: Final = 0.5


def share_array(names: Mapping[str, Any]) -> str:
    """Of a store's arrays, the one whose pixels tell which have a label."""
    return DOWNSTREAM if DOWNSTREAM in names else LABELS


def labelled_counts(array: str, rows: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(rows, seasons): pixels with a label in decoded rows of `share_array`, (rows, [season,] y, x)."""
    labelled = rows == 0 if array == DOWNSTREAM else rows != IGNORE
    maps = labelled.reshape(len(rows), -1, math.prod(rows.shape[-2:]))
    # One map at a time: along an axis NumPy makes 64-bit numbers of all pixels before it counts.
    return np.array([[np.count_nonzero(pixels) for pixels in seasons] for seasons in maps], np.int64)


def stated_shares(tree: PublishedTree, rows: IndexRows) -> dict[str, NDArray[np.float64]]:
    """By store, (rows, seasons): label_valid_frac as the index states it; NaN where it states none."""
    stated = {}
    for store, group in rows.frame.groupby("store"):
        arrays = tree.arrays.get(str(store), {})
        if share_array(arrays) in arrays:
            row, season = group["row"].to_numpy(), group["season"].to_numpy()
            shares = np.full((arrays[share_array(arrays)].shape[0], seasons_of(arrays)), np.nan)
            inside = (row >= 0) & (row < shares.shape[0]) & (season >= 0) & (season < shares.shape[1])
            shares[row[inside], season[inside]] = group["label_valid_frac"].to_numpy()[inside]
            stated[str(store)] = shares
    return stated


def share_findings(
    tree: PublishedTree, store: str, stated: NDArray[np.float64], first_row: int, counts: NDArray[np.int64], pixels: int
) -> Iterator[Finding]:
    """Compare `counts`, (n, seasons) labelled pixels of the rows from `first_row` on, with one store's stated shares.

    `pixels` are those of one season of one row.
    """
    told = stated[first_row : first_row + len(counts)]
    wrong = ~np.isnan(told) & (np.abs(told * pixels - counts) > HALF_A_PIXEL)
    for at, season in np.argwhere(wrong).tolist():
        row = first_row + at
        where = f"{INDEX} {store} row {row} season {season}{tree.location(store, row)}"
        what = f"label_valid_frac {told[at, season]:.6f}, its pixels say {counts[at, season] / pixels:.6f}"
        yield Finding("index", where, what, path=INDEX, store=store, row=row)
