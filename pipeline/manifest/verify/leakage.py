"""Whether a place is in two splits: by its id, by the ground under it, and as the manifest's own table tells."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.files import is_file
from pipeline.leakage import Place, nearness
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.footprints import grids_of, patch_sizes
from pipeline.manifest.verify.grids import is_placed
from pipeline.manifest.verify.index_rows import IndexRows, index_rows
from pipeline.manifest.verify.tree import PublishedTree
from pipeline.parts import read_part
from pipeline.sampling.neighbourhood import share_ground
from pipeline.sampling.outlines import centre_of, outlines, unrolled
from pipeline.schema.errors import DamagedError
from pipeline.schema.grid import PixelGrid
from pipeline.schema.osm_records import Nearness

TABLE: Final = "manifest/leakage.parquet"

CLOSE_M: Final = 1.0
"""Distances that agree to a metre are the same: centres are told to the rounding of their coordinates."""

AROUND_DEG: Final = 0.001
"""By how much outlines are widened to look for those that may share ground: their edges are not straight in degrees."""


def check(tree: PublishedTree) -> Iterator[Finding]:
    """Locations in two splits, patches of two splits that share ground, and a table of nearness that is not so."""
    rows = index_rows(tree)
    if rows is None:
        return
    places = rows.first_of_each
    splits = rows.frame["split"].to_numpy()[places]
    if len(set(splits)) > 1:
        yield from _same_ids(rows, places)
        yield from _same_ground(tree, rows, places)
    if is_file(tree.root / TABLE):
        yield from _table(tree, rows, places)


def _same_ids(rows: IndexRows, places: NDArray[np.int64]) -> Iterator[Finding]:
    table = rows.frame.iloc[places][["location_id", "split", "store", "row"]]
    first = table.drop_duplicates("location_id").set_index("location_id")
    before = first.loc[table["location_id"]]
    for one in np.flatnonzero(table["split"].to_numpy() != before["split"].to_numpy()).tolist():
        other = before.iloc[one]
        what = f"in split {table['split'].iat[one]}, and in split {other['split']}: {other['store']} row {other['row']}"
        yield rows.finding("leakage", int(places[one]), what)


def _same_ground(tree: PublishedTree, rows: IndexRows, places: NDArray[np.int64]) -> Iterator[Finding]:
    sizes = patch_sizes(tree, rows)
    at = places[(is_placed(rows) & (sizes > 0))[places]]
    grids = grids_of(rows, at, sizes)
    splits, ids = (rows.frame[name].to_numpy()[at] for name in ("split", "location_id"))
    for one, other in _near(grids):
        # The same id in two splits is told already.
        if splits[one] != splits[other] and ids[one] != ids[other] and share_ground(grids[one], grids[other]):
            what = f"shares ground with {ids[one]} of split {splits[one]}, {rows.where(int(at[one]))}"
            yield rows.finding("leakage", int(at[other]), what)


def _near(grids: Sequence[PixelGrid]) -> list[tuple[int, int]]:
    """Every two grids (i, j), i < j, that may share ground, in order: a few more than do."""
    if not grids:
        return []
    shapes = unrolled(outlines(grids))
    west, south, east, north = shapely.bounds(shapes).T
    # Beyond the date line a patch continues past 180 degrees; its neighbours there are looked for once more, as well.
    turned = np.flatnonzero(west < east.max() - 360.0 + AROUND_DEG)
    members = np.concatenate([np.arange(len(grids)), turned])
    turn = np.concatenate([np.zeros(len(grids)), np.full(len(turned), 360.0)])
    low, high = west[members] + turn - AROUND_DEG, east[members] + turn + AROUND_DEG
    boxes = shapely.box(low, south[members] - AROUND_DEG, high, north[members] + AROUND_DEG)
    found = members[shapely.STRtree(boxes).query(boxes, predicate="intersects")]
    pairs = np.unique(found[:, found[0] < found[1]], axis=1)
    return [(int(i), int(j)) for i, j in pairs.T]


def _table(tree: PublishedTree, rows: IndexRows, places: NDArray[np.int64]) -> Iterator[Finding]:
    """Compare the published table with what the index says of the sets that are in it."""
    try:
        table = read_part(tree.root / TABLE, Nearness)
    except DamagedError as error:
        yield Finding("leakage", TABLE, f"cannot be read: {error}", path=TABLE)
        return
    sets = _sets(tree, rows, places)
    for told in table:
        where = f"{TABLE} {told.first} and {told.second}"
        for name, count in ((told.first, told.first_count), (told.second, told.second_count)):
            if name in sets and count != len(sets[name]):
                what = f"counts {count} of {name}, the index has {len(sets[name])}"
                yield Finding("leakage", where, what, path=TABLE)
        if told.first in sets and told.second in sets:
            found = nearness(told.first, told.second, sets[told.first], sets[told.second], told.reach_m)
            yield from _compared(where, told, found)
    pairs = {frozenset((told.first, told.second)) for told in table}
    for one, other in ((a, b) for a in sets for b in sets if a < b and frozenset((a, b)) not in pairs):
        yield Finding("leakage", TABLE, f"has no row for {one} and {other}", path=TABLE)


def _compared(where: str, told: Nearness, found: Nearness) -> Iterator[Finding]:
    for name in ("same", "near"):
        if getattr(told, name) != getattr(found, name):
            what = f"{name} is {getattr(told, name)}, by the index {getattr(found, name)}"
            yield Finding("leakage", where, what, path=TABLE)
    told_m, found_m = told.nearest_m, found.nearest_m
    if (told_m is None) != (found_m is None) or abs((told_m or 0.0) - (found_m or 0.0)) > CLOSE_M:
        yield Finding("leakage", where, f"nearest_m is {told_m}, by the index {found_m}", path=TABLE)


def _sets(tree: PublishedTree, rows: IndexRows, places: NDArray[np.int64]) -> Mapping[str, list[Place]]:
    """The locations of every store by the store's name, those left out that lie nobody knows where."""
    sizes = patch_sizes(tree, rows)
    at = places[(is_placed(rows) & (sizes > 0))[places]]
    ids, stores = (rows.frame[name].to_numpy()[at] for name in ("location_id", "store"))
    found: dict[str, list[Place]] = {}
    for location_id, store, shape in zip(ids, stores, outlines(grids_of(rows, at, sizes)), strict=True):
        name = str(store).rpartition("/")[2].removesuffix(".zarr")
        found.setdefault(name, []).append(Place(str(location_id), centre_of(shape)))
    return found
