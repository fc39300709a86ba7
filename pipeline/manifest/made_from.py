"""What a run's manifest is made from, kept among the run's tables: it can be written again without any source."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa

from pipeline.commit import folder_inputs
from pipeline.content import canonical_json
from pipeline.files import is_file, listed
from pipeline.manifest.described import Kind
from pipeline.manifest.provenance import software
from pipeline.parts import part_inputs, part_rows, read_part, to_table, write_columns, write_part
from pipeline.schema.errors import NoldoError
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath
from pipeline.schema.tiles import DroppedTile, TilePair, TileRow

STAGE: Final = "manifest"
ROWS: Final = "manifest_rows"
DROPPED: Final = "manifest_dropped"
"""Folders under tables/, of one part each."""

TABLES: Final = ("sample", "match", "quality")
"""Folders under tables/ that the index of a pretraining set is read from again."""


@dataclass(frozen=True)
class StoreMade:
    """One finished store, and where the records of its shards are."""

    name: str
    """For example nol; the store is store/nol.zarr."""
    split: str
    inputs: str
    """Digest of what the store was made from, which its folder was committed with; empty where it tells none."""
    table: str
    """Folder under tables/ whose parts hold the records of its shards."""
    first_part: int
    """The part of its first shard."""
    shards: int


@dataclass(frozen=True)
class MadeFrom:
    """All of a finished run that its manifest tells and no other table holds."""

    kind: Kind
    inputs: str
    """Digest of what the data set was made from; what the release is called does not enter it."""
    recipe: str
    """As it is published, JSON; its 'source' is that of the pixels."""
    recipe_digest: str
    funnel: str
    """JSON, see pipeline/manifest/funnel_file.py."""
    stores: tuple[StoreMade, ...]
    label_source: str | None = None
    """The index's column of that name; None where no pixel has a label."""
    parts: int = 0
    """Of TABLES; 0 for tiles, whose scenes stand in ROWS."""
    tables: str = ""
    """Digest of what all parts of TABLES were made from: a build that was begun later may have made them anew."""
    copied: tuple[str, ...] = ()
    """Folders under tables/ that are published whole, each as one table of its name."""
    made_with: str = ""
    """JSON, see pipeline/manifest/provenance.software: of the build, not of who writes the manifest again later."""


@dataclass(frozen=True)
class StoredLocation:
    """A row of ROWS of a pretraining set."""

    row: int
    location_id: str


@dataclass(frozen=True)
class StoredTile:
    """A row of ROWS of a set of tiles."""

    store: str
    """Name of its store."""
    tile: TileRow
    pair: TilePair


@dataclass(frozen=True)
class Dropped:
    """A location or tile that the data set does not hold, and why: a row of dropped.parquet."""

    location_id: str
    """As in the index; or a file's path, where the file is no tile."""
    split: str
    """Empty where it is not known."""
    stage: str
    """That dropped it, as in the funnel."""
    reason: str
    """As the funnel counts it."""
    detail: str
    """The particulars; empty where the reason says all."""


def store_made(run: RunLayout, name: str, split: str, table: str, shards: int, first_part: int = 0) -> StoreMade:
    """A finished store of the run, the records of whose shards are the parts of `table` from `first_part` on."""
    return StoreMade(name, split, folder_inputs(run.store(name)) or "", table, first_part, shards)


def dropped_table(tiles: Sequence[DroppedTile]) -> pa.Table:
    """Dropped tiles as rows of dropped.parquet, by stage and then id."""
    return to_table(Dropped, [Dropped(t.tile_id, t.split, t.stage, t.reason, t.detail) for t in tiles])


def keep_made_from(run: RunLayout, made: MadeFrom, rows: Sequence[Any], dropped: pa.Table) -> None:
    """Commit what a manifest is to be made from: `rows` are StoredLocation or StoredTile, `dropped` is of Dropped."""
    made = replace(made, made_with=_made_with(run, made.inputs), tables=_tables_inputs(run, made.parts))
    write_part(run.table(ROWS, 0), StoredTile if made.kind != "pretraining" else StoredLocation, rows, made.inputs)
    write_columns(run.table(DROPPED, 0), dropped, made.inputs)
    write_part(run.table(STAGE, 0), MadeFrom, [made], made.inputs)


def _made_with(run: RunLayout, inputs: str) -> str:
    """What the data set was made with: the software of now, but for one that was described before."""
    path = run.table(STAGE, 0)
    earlier = read_part(path, MadeFrom)[0].made_with if part_inputs(path) == inputs else ""
    return earlier or json.dumps(software())


def read_made_from(run: RunLayout) -> MadeFrom:
    """What the run's manifest is made from; NoldoError says what of a finished run is missing."""
    if not (run.root / "tables").is_dir():
        raise NoldoError(
            f"{run.root} holds no tables, so it is a published copy or no run; "
            "write the manifest in the run directory that the data set was built in"
        )
    path = run.table(STAGE, 0)
    if not is_file(path):
        raise NoldoError(
            f"{path} is not there: the run is not finished, or an earlier version finished it; "
            "give the same noldo build or noldo import again, which makes only what is missing"
        )
    (made,) = read_part(path, MadeFrom)
    for store in made.stores:
        if (folder_inputs(run.store(store.name)) or "") != store.inputs:
            raise NoldoError(
                f"{run.store(store.name)} is not the store that {path} tells of; "
                "give the same noldo build or noldo import again"
            )
    _require_tables(run, made)
    kept = {_inputs(run.table(table, 0)) for table in (ROWS, DROPPED)} == {made.inputs}
    if not kept or (made.tables and made.tables != _tables_inputs(run, made.parts)):
        raise NoldoError(
            f"{path.parents[1]} holds tables of another build than {run.manifest}: one was begun with another recipe; "
            "finish it with noldo build or noldo import, or give the earlier recipe again with --remake"
        )
    return made


def made_from_inputs(run: RunLayout) -> str | None:
    """Digest of what the run's data set was made from, by its last manifest; None where there is none."""
    return read_part(run.table(STAGE, 0), MadeFrom)[0].inputs if is_file(run.table(STAGE, 0)) else None


def _tables_inputs(run: RunLayout, parts: int) -> str:
    found = [_inputs(run.table(table, part)) for table in TABLES for part in range(parts)]
    return hashlib.sha256(canonical_json(found)).hexdigest() if found else ""


def _inputs(path: AnyPath) -> str | None:
    """The inputs digest of a part; DamagedError where it cannot be read, which is another matter than other inputs."""
    inputs = part_inputs(path)
    if inputs is None:
        part_rows(path)
    return inputs


def _require_tables(run: RunLayout, made: MadeFrom) -> None:
    needed = [run.table(ROWS, 0), run.table(DROPPED, 0)]
    needed += [run.table(store.table, store.first_part + n) for store in made.stores for n in range(store.shards)]
    needed += [run.table(stage, part) for stage in TABLES for part in range(made.parts)]
    there = {str(path) for folder in {path.parent for path in needed} for path in listed(folder, "part-*.parquet")}
    missing = [path for path in needed if str(path) not in there]
    if missing:
        more = f" and {len(missing) - 1} more are" if len(missing) > 1 else " is"
        raise NoldoError(
            f"{missing[0]}{more} not there, of which the manifest is made; give the same noldo build or noldo import "
            "again, which makes what is missing"
        )
