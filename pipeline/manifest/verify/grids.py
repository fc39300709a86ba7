"""Whether the grids that the index gives its rows are pixel grids, and those that the stores hold."""

import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.index_rows import DOWNSTREAM, IndexRows
from pipeline.manifest.verify.tree import PublishedTree
from pipeline.schema.grid import PIXEL_M
from pipeline.tile_arrays import is_unreadable

NOWHERE: Final = 0
"""epsg of a tile that lies nobody knows where."""

EASTINGS_M: Final = (0.0, 1_000_000.0)
"""Of a patch's left edge: false easting 500,000 m, and no zone with its neighbours' overlap is wider than this."""
NORTHINGS_M: Final = (-100_000.0, 10_100_000.0)
"""Of its upper edge: from the equator or from 10,000,000 m below it (UTM), and a scene's length beyond."""


def grid_findings(tree: PublishedTree, rows: IndexRows) -> Iterator[Finding]:
    """Zones and geotransforms that cannot be, and those that are not what a downstream store says itself."""
    known, downstream = is_utm(rows), _downstream(tree, rows)
    epsg = rows.frame["epsg"].to_numpy()
    what = "EPSG:{epsg} is no UTM zone, expected 32601..32660 or 32701..32760"
    yield from rows.findings("index", ~known & ~((epsg == NOWHERE) & downstream), what, "epsg")
    upright, inside = _north_up(rows), _in_zone(rows)
    for at in np.flatnonzero(known & ~upright).tolist():
        what = f"geotransform {rows.affine[at].tolist()} is not north-up at {PIXEL_M:g} m"
        yield rows.finding("index", at, what)
    for at in np.flatnonzero(known & upright & ~inside).tolist():
        left, top = rows.affine[at, [2, 5]]
        yield rows.finding("index", at, f"the corner ({left:g}, {top:g}) m lies outside any UTM zone")
    for store, arrays in tree.arrays.items():
        if DOWNSTREAM in arrays:
            yield from _as_stored(store, arrays, rows)


def is_utm(rows: IndexRows) -> NDArray[np.bool_]:
    """(rows,): whether a row lies in a UTM zone."""
    epsg = rows.frame["epsg"].to_numpy()
    found: NDArray[np.bool_] = np.isin(epsg // 100, (326, 327)) & (epsg % 100 >= 1) & (epsg % 100 <= 60)
    return found


def is_placed(rows: IndexRows) -> NDArray[np.bool_]:
    """(rows,): whether a row has a pixel grid that can be drawn; where one has not, the index's check tells."""
    return is_utm(rows) & _north_up(rows) & _in_zone(rows)


def _north_up(rows: IndexRows) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (rows.affine[:, [0, 1, 3, 4]] == (PIXEL_M, 0.0, 0.0, -PIXEL_M)).all(axis=1)
    return found


def _in_zone(rows: IndexRows) -> NDArray[np.bool_]:
    corners = rows.affine[:, [2, 5]]
    low, high = zip(EASTINGS_M, NORTHINGS_M, strict=True)
    return np.asarray(((corners >= low) & (corners <= high)).all(axis=1), bool)


def _downstream(tree: PublishedTree, rows: IndexRows) -> NDArray[np.bool_]:
    stores = [store for store, arrays in tree.arrays.items() if DOWNSTREAM in arrays]
    return np.asarray(rows.frame["store"].isin(stores), bool)


def _as_stored(store: str, arrays: Any, rows: IndexRows) -> Iterator[Finding]:
    at = np.flatnonzero((rows.frame["store"] == store).to_numpy())
    row = rows.frame["row"].to_numpy()[at]
    told = {"epsg": rows.frame["epsg"].to_numpy()[:, None], "geotransform": rows.affine}
    for name, values in told.items():
        if name not in arrays or math.prod(arrays[name].shape[1:]) != values.shape[1]:
            continue  # the digests' check tells
        try:
            held = np.asarray(arrays[name][:])
        except Exception as error:
            if not is_unreadable(error):
                raise
            continue  # the chunks' own check tells
        inside = (row >= 0) & (row < len(held))
        mine, theirs = values[at[inside]], held.reshape(len(held), -1)[row[inside]]
        for one in np.flatnonzero((mine != theirs).any(axis=1)).tolist():
            what = f"{name} {_short(mine[one])}, but the store's array {name} holds {_short(theirs[one])}"
            yield rows.finding("index", int(at[inside][one]), what)


def _short(values: NDArray[Any]) -> str:
    return ", ".join(f"{value:g}" if abs(value) < 1e5 else str(value) for value in values.tolist())
