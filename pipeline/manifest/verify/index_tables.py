"""Whether the other tables of the manifest say what the index says: its splits, its scenes, what was dropped."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.files import is_file
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.index_rows import IndexRows
from pipeline.manifest.verify.tree import INDEX, PublishedTree
from pipeline.parts import UNREADABLE, readable

FOLDER: Final = "manifest"
ASSETS: Final = f"{FOLDER}/assets.parquet"
DROPPED: Final = f"{FOLDER}/dropped.parquet"

IDS: Final = ("location_id", "tile_id")
"""What dropped.parquet calls a location."""


def table_findings(tree: PublishedTree, rows: IndexRows) -> Iterator[Finding]:
    """Tables that cannot be read, and what of them the index does not bear out."""
    yield from _splits(tree, rows)
    yield from _dropped(tree, rows)


def _splits(tree: PublishedTree, rows: IndexRows) -> Iterator[Finding]:
    """An index of every split where there are several, with the very rows of that split."""
    splits = sorted(rows.frame["split"].unique()) if rows.frame["split"].nunique() > 1 else []
    listed = {path for path in tree.checksums if PurePosixPath(path).match(f"{FOLDER}/index-*.parquet")}
    expected = {f"{FOLDER}/index-{split}.parquet": str(split) for split in splits}
    for path in sorted(listed - expected.keys()):
        if path != f"{FOLDER}/index-{rows.frame['split'].iat[0]}.parquet" or splits:
            yield Finding("index", path, "an index of a split that the index has not", path=path)
    whole = _read(tree, INDEX)[0] if expected else None
    for path, split in expected.items():
        table, why = _read(tree, path)
        if table is None:
            yield Finding("index", path, f"cannot be read: {why}", path=path)
        elif whole is not None and (what := _unlike(whole.filter(pc.equal(whole["split"], split)), table)):
            yield Finding("index", path, what, path=path)


def _unlike(expected: pa.Table, found: pa.Table) -> str | None:
    """The first difference of two tables; None where they hold the same rows in the same order."""
    if found.schema.names != expected.schema.names or found.schema.types != expected.schema.types:
        return "columns are other than those of index.parquet"
    if len(found) != len(expected):
        return f"{len(found)} rows, expected the {len(expected)} of that split in index.parquet"
    mine, theirs = (table.flatten().combine_chunks() for table in (expected, found))
    for name in mine.schema.names:
        if not mine[name].equals(theirs[name]):
            other = _first_unlike(mine[name], theirs[name])
            if other is not None:
                return f"{name} of row {other} is other than in index.parquet"
    return None


def _first_unlike(mine: pa.ChunkedArray, theirs: pa.ChunkedArray) -> int | None:
    for at, (one, other) in enumerate(zip(mine.to_pylist(), theirs.to_pylist(), strict=True)):
        if one != other and not (one != one and other != other):  # NaN is unlike itself
            return at
    return None


def _dropped(tree: PublishedTree, rows: IndexRows) -> Iterator[Finding]:
    """Locations that were dropped and are in the set all the same."""
    if DROPPED not in tree.checksums and not is_file(tree.root / DROPPED):
        return
    table, why = _read(tree, DROPPED)
    name = None if table is None else next((name for name in IDS if name in table.schema.names), None)
    if table is None or name is None:
        yield Finding("index", DROPPED, f"cannot be read: {why or 'no column of locations'}", path=DROPPED)
        return
    gone = table.to_pandas().drop_duplicates(name).set_index(name)
    at = rows.first_of_each()
    found = at[rows.frame["location_id"].iloc[at].isin(gone.index).to_numpy()]
    for one in found.tolist():
        why = gone.loc[rows.frame["location_id"].iat[one]]
        yield rows.finding("index", one, f"was dropped by stage {why.get('stage')}: {why.get('reason')}")


def _read(tree: PublishedTree, path: str) -> tuple[pa.Table | None, str]:
    try:
        return pq.ParquetFile(readable(tree.root / path), page_checksum_verification=True).read(), ""
    except UNREADABLE as error:
        return None, str(error).splitlines()[0]
