"""Whether the other tables of the manifest say what the index says: its splits, its scenes, what was dropped."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.manifest.assets import ASSETS_FILE, asset_table
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.index_rows import IndexRows
from pipeline.manifest.verify.tree import INDEX, PublishedTree
from pipeline.parts import UNREADABLE, readable

FOLDER: Final = "manifest"
ASSETS: Final = f"{FOLDER}/{ASSETS_FILE}"
DROPPED: Final = f"{FOLDER}/dropped.parquet"

DROPPED_COLUMNS: Final = ("location_id", "split", "stage", "reason")

OWN_SPLITS: Final = "osm"
"""Kind of recipe whose tiles are split anew: what was dropped is in neither split. Elsewhere a tile may be dropped from
one split because it is in the other."""


def table_findings(tree: PublishedTree, rows: IndexRows) -> Iterator[Finding]:
    """Tables that are missing or cannot be read, and what of them the index does not bear out."""
    whole, why = _read(tree, INDEX)
    if whole is None:
        yield Finding("index", INDEX, f"cannot be read: {why}", path=INDEX)
        return
    yield from _splits(tree, rows, whole)
    yield from _assets(tree, whole)
    yield from _dropped(tree, rows)


def _splits(tree: PublishedTree, rows: IndexRows, whole: pa.Table) -> Iterator[Finding]:
    """An index of every split where there are several, with the very rows of that split."""
    splits = sorted(rows.frame["split"].unique()) if rows.frame["split"].nunique() > 1 else []
    listed = {path for path in tree.checksums if PurePosixPath(path).match(f"{FOLDER}/index-*.parquet")}
    expected = {f"{FOLDER}/index-{split}.parquet": str(split) for split in splits}
    for path in sorted(listed - expected.keys()):
        if path != f"{FOLDER}/index-{rows.frame['split'].iat[0]}.parquet" or splits:
            yield Finding("index", path, "is the index of a split that no row of index.parquet has", path=path)
    for path, split in expected.items():
        table, why = _read(tree, path)
        if table is None:
            yield Finding("index", path, f"cannot be read: {why}", path=path)
        elif what := _unlike(whole.filter(pc.equal(whole["split"], split)), table, "of that split in index.parquet"):
            yield Finding("index", path, what, path=path)


def _assets(tree: PublishedTree, whole: pa.Table) -> Iterator[Finding]:
    """Scenes that the index names and the table of assets does not, or the other way round, or tells otherwise."""
    table, why = _read(tree, ASSETS)
    if table is None:
        yield Finding("index", ASSETS, f"cannot be read: {why}", path=ASSETS)
        return
    expected = asset_table(whole)
    if table.schema.names != expected.schema.names or table.schema.types != expected.schema.types:
        yield Finding("index", ASSETS, _other_columns(expected.schema, table.schema), path=ASSETS)
        return
    mine, theirs = (set(one["asset_id"].to_pylist()) for one in (expected, table))
    for asset in sorted(mine - theirs):
        yield Finding("index", f"{ASSETS} {asset}", "is not there, but the index names this scene", path=ASSETS)
    for asset in sorted(map(str, theirs - mine)):
        yield Finding("index", f"{ASSETS} {asset}", "no row of the index names this scene", path=ASSETS)
    if mine == theirs and (what := _unlike(expected, table, "of the scenes in index.parquet")):
        yield Finding("index", ASSETS, what, path=ASSETS)


def _unlike(expected: pa.Table, found: pa.Table, where: str) -> str | None:
    """The first difference of two tables; None where they hold the same rows in the same order."""
    if found.schema.names != expected.schema.names or found.schema.types != expected.schema.types:
        return _other_columns(expected.schema, found.schema)
    if len(found) != len(expected):
        return f"{len(found)} rows, expected the {len(expected)} {where}"
    mine, theirs = (table.flatten().combine_chunks() for table in (expected, found))
    for name in mine.schema.names:
        if not mine[name].equals(theirs[name]):
            other = _first_unlike(mine[name], theirs[name])
            if other is not None:
                found_value, expected_value = theirs[name][other].as_py(), mine[name][other].as_py()
                return f"{name} of row {other} is {found_value}, expected {expected_value} {where}"
    return None


def _other_columns(expected: pa.Schema, found: pa.Schema) -> str:
    """How the columns of a table differ from those expected."""
    lacking = [f"lacks the column {name}" for name in expected.names if name not in found.names]
    more = [f"has an unknown column {name}" for name in found.names if name not in expected.names]
    types = dict(zip(found.names, found.types, strict=True))
    both = [(field.name, types[field.name], field.type) for field in expected if field.name in types]
    other = [f"{name} holds {told}, expected {true}" for name, told, true in both if told != true]
    return "; ".join([*lacking, *more, *other]) or "columns are out of order"


def _first_unlike(mine: pa.ChunkedArray, theirs: pa.ChunkedArray) -> int | None:
    for at, (one, other) in enumerate(zip(mine.to_pylist(), theirs.to_pylist(), strict=True)):
        if one != other and not (one != one and other != other):  # NaN is unlike itself
            return at
    return None


def _dropped(tree: PublishedTree, rows: IndexRows) -> Iterator[Finding]:
    """Locations that were dropped and are in the set all the same."""
    table, why = _read(tree, DROPPED)
    if table is None:
        yield Finding("index", DROPPED, f"cannot be read: {why}", path=DROPPED)
        return
    lacking = [name for name in DROPPED_COLUMNS if name not in table.schema.names]
    if lacking:
        yield Finding("index", DROPPED, f"lacks the columns {', '.join(lacking)}", path=DROPPED)
        return
    if not len(table):
        return
    recipe = tree.provenance.get("recipe")
    anew = isinstance(recipe, dict) and recipe.get("kind") == OWN_SPLITS
    keys = ["location_id"] if anew else ["location_id", "split"]
    gone = table.select(list(DROPPED_COLUMNS)).to_pandas().drop_duplicates(keys).set_index(keys)
    at = rows.first_of_each
    places = rows.frame.iloc[at].set_index(keys).index
    for one in np.flatnonzero(places.isin(gone.index)).tolist():
        told = gone.loc[places[one]]
        found = f"is in the index, but {DROPPED} says that it was dropped by stage {told['stage']}: {told['reason']}"
        yield rows.finding("index", int(at[one]), found)


def _read(tree: PublishedTree, path: str) -> tuple[pa.Table | None, str]:
    try:
        return pq.ParquetFile(readable(tree.root / path), page_checksum_verification=True).read(), ""
    except UNREADABLE as error:
        return None, str(error).splitlines()[0]
