"""Import a published tile data set: the stores, index and manifest that a build makes, from files on a disk.

Every file is read twice: once to be checked, tile by tile, before it is known which tiles there are and in which order;
once to be packed, and then it must still be the file that was checked.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pipeline.commit import folder_inputs, remove_folder
from pipeline.funnel_step import FunnelStep, commonest_first
from pipeline.importers.tile_files import STAGE, FoundTile, TileFiles, read_files
from pipeline.importers.tile_layout import TileLayout, read_tile
from pipeline.importers.tile_raster import BadTileError
from pipeline.manifest.made_from import store_made
from pipeline.manifest.tile_index import TileStore
from pipeline.manifest.tile_manifest import write_tile_manifest
from pipeline.manifest.write import ManifestRecord, is_written, written_record
from pipeline.parts import part_inputs, read_part, write_part
from pipeline.recipe import canonical_digest
from pipeline.run_directory import Claim, claimed, prune_parts
from pipeline.schema.emulated import EMULATED_MARK
from pipeline.schema.errors import NoldoError
from pipeline.schema.grid import PixelGrid
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath
from pipeline.schema.tiles import SPLITS, DroppedTile, Split, TileArrays, TileRow, TileShardRecord
from pipeline.tile_store import (
    TileStoreSettings,
    commit_tile_store,
    create_tile_store,
    missing_tile_shards,
    n_tile_shards,
    tile_rows,
    tile_shard_rows,
    write_tile_shard,
)

PART_TILES: Final = 64
"""Tiles checked between two commits."""

Progress = Callable[[str, int, int], None]
"""Told the stage, and how many tiles of how many are done."""


@dataclass(frozen=True)
class CheckedTile:
    """One tile of the source after its files were read and checked: a row of tables/tiles."""

    tile_id: str
    split: str
    sha256: str
    """Over its files' roles and bytes; empty where they could not be read."""
    grid: PixelGrid | None
    """None where the tile cannot be imported."""
    reason: str
    """As in Verdict."""
    detail: str


@dataclass(frozen=True)
class TileImportSummary:
    """What an import made."""

    layout: str
    tiles: dict[str, int]
    """By split."""
    dropped: dict[str, int]
    """By reason."""
    manifest: ManifestRecord
    worked: bool = field(default=True, compare=False)
    """Whether anything was left to be checked or packed."""

    def as_json(self) -> dict[str, Any]:
        """Plain data for --json."""
        return {
            "import": self.layout,
            "tiles": self.tiles,
            "dropped": self.dropped,
            "content_digest": self.manifest.dataset_digest,
            "store_digest": self.manifest.store_digest,
            "published_bytes": self.manifest.published_bytes,
        }

    def lines(self) -> list[str]:
        """The same for people."""
        kept = ", ".join(f"{count:,} {split}" for split, count in self.tiles.items())
        lines = [f"{self.layout}: {kept} tiles imported, content digest {self.manifest.dataset_digest}"]
        if self.dropped:
            why = ", ".join(f"{count} {reason}" for reason, count in sorted(self.dropped.items()))
            lines.append(f"left out: {why}; manifest/dropped.parquet names each")
        return lines


@dataclass(frozen=True)
class _Import:
    layout: TileLayout
    settings: TileStoreSettings
    run: RunLayout
    source: TileFiles
    progress: Progress
    remake: bool
    done: list[str] = field(default_factory=list)
    """Stages that had something left to do."""


def import_tiles(
    source: Path,
    out: AnyPath,
    layout: TileLayout,
    settings: TileStoreSettings | None = None,
    *,
    remake: bool = False,
    progress: Progress = lambda *_: None,
) -> TileImportSummary:
    """Import the tiles of `source`, a folder or zip of that layout, into the run directory `out`, or go on with it.

    A tile that cannot be imported is left out with its reason. Raises
    UsageError where the source holds no such tiles or `out` something else (unless `remake`), NoldoError where an
    archive as a whole is not to be trusted, or nothing in it can be used.
    """
    settings = settings or TileStoreSettings()
    with TileFiles(source, layout) as files:
        listing = _listing(files, layout)
        described: dict[str, Any] = {"kind": "import", "layout": layout.name, "file": source.name}
        if (source / EMULATED_MARK).is_file():
            described["emulated"] = True
        recipe = {
            "kind": f"import-{layout.name}",
            "name": layout.store,
            "source": described,
            "store": settings.model_dump(mode="json"),
        }
        claim = Claim(recipe, "tiles", _checked_inputs(listing, 0), "source", free_keys=("source.file",))
        with claimed(out, claim, remake=remake) as run:
            return _import(_Import(layout, settings, run, files, progress, remake), recipe, listing)


def _import(job: _Import, recipe: dict[str, Any], listing: str) -> TileImportSummary:
    checked = _check_all(job, listing)
    dropped = [
        *job.source.dropped,
        *(DroppedTile(t.tile_id, t.split, STAGE, t.reason, t.detail) for t in checked if t.grid is None),
    ]
    stores = [store for split in SPLITS if (store := _store(job, split, checked)) is not None]
    if not stores:
        reason = Counter(f"{d.reason} ({d.tile_id}: {d.detail})" for d in dropped).most_common(1)[0][0]
        raise NoldoError(f"none of {len(checked)} tiles can be imported; the first reason: {reason}")
    digest = canonical_digest([recipe["kind"], recipe["store"], [(t.tile_id, t.split, t.sha256) for t in checked]])
    inputs = canonical_digest(["manifest", digest])
    # Written again it would be of another day, and its signature would be gone.
    there = written_record(job.run) if not job.done and is_written(job.run, inputs) else None
    manifest = there or write_tile_manifest(
        job.run,
        job.layout.about,
        stores,
        [store_made(job.run, s.name, s.split, _pack_table(s.name), len(s.shards)) for s in stores],
        pairs=(),
        dropped=dropped,
        funnel=(_funnel(stores, dropped),),
        provenance={"recipe": recipe, "recipe_digest": digest, "inputs": inputs},
    )
    return TileImportSummary(
        layout=job.layout.name,
        tiles={store.split: len(store.rows) for store in stores},
        dropped=dict(Counter(d.reason for d in dropped)),
        manifest=manifest,
        worked=bool(job.done),
    )


def _funnel(stores: Sequence[TileStore], dropped: Sequence[DroppedTile]) -> FunnelStep:
    kept, reasons = sum(len(store.rows) for store in stores), Counter(tile.reason for tile in dropped)
    return FunnelStep(STAGE, kept + reasons.total(), kept, commonest_first(reasons))


def _pack_table(store: str) -> str:
    return f"pack_{store}"


def _listing(files: TileFiles, layout: TileLayout) -> str:
    """The digest of what the source holds by name and size, known without reading it."""
    tiles = [(t.split, t.tile_id, [(role, f.size) for role, f in sorted(t.files.items())]) for t in files.tiles]
    return canonical_digest([layout.name, tiles])


def _checked_inputs(listing: str, part: int) -> str:
    return canonical_digest(["tiles", listing, part])


def _check_all(job: _Import, listing: str) -> list[CheckedTile]:
    tiles = job.source.tiles
    checked: list[CheckedTile] = []
    for part, start in enumerate(range(0, len(tiles), PART_TILES)):
        path, inputs = job.run.table("tiles", part), _checked_inputs(listing, part)
        # Files that could not be used may be whole by now, under the same names and sizes.
        again = job.remake and part_inputs(path) == inputs and any(t.grid is None for t in read_part(path, CheckedTile))
        if again or part_inputs(path) != inputs:
            rows = [_check(tile, job.layout) for tile in tiles[start : start + PART_TILES]]
            write_part(path, CheckedTile, rows, inputs)
            job.done.append("check")
        checked += read_part(path, CheckedTile)
        job.progress("check", len(checked), len(tiles))
    prune_parts(job.run, ("tiles",), -(-len(tiles) // PART_TILES))
    return checked


def _check(tile: FoundTile, layout: TileLayout) -> CheckedTile:
    sha256 = ""
    try:
        data = read_files(tile)
        sha256 = _sha256(data)
        _, grid = read_tile(data, layout)
    except BadTileError as error:
        return CheckedTile(tile.tile_id, tile.split, sha256, None, error.reason, error.detail)
    return CheckedTile(tile.tile_id, tile.split, sha256, grid, "", "")


def _store(job: _Import, split: Split, checked: Sequence[CheckedTile]) -> TileStore | None:
    """The finished store of one split, made unless it is there; None where the source has no tiles of it."""
    kept = {tile.tile_id: tile for tile in checked if tile.split == split and tile.grid is not None}
    name = f"{job.layout.store}_{split}"
    final = job.run.store(name)
    if not kept:
        remove_folder(final)
        return None
    rows = tile_rows([(t.tile_id, t.grid) for t in kept.values() if t.grid is not None], job.settings.seed)
    inputs = canonical_digest(
        ["store", job.settings.model_dump(mode="json"), [(t.tile_id, t.sha256) for t in kept.values()]]
    )
    shards = range(n_tile_shards(len(rows), job.settings))
    tables = [(job.run.table(_pack_table(name), shard), canonical_digest(["pack", inputs, shard])) for shard in shards]
    if folder_inputs(final) != inputs or any(part_inputs(path) != made_from for path, made_from in tables):
        building = create_tile_store(final, rows, job.settings, inputs, labels=job.layout.labels)
        _pack(job, split, building, rows, kept, tables)
        job.done.append("pack")
        commit_tile_store(final, [read_part(path, TileShardRecord)[0] for path, _ in tables])
    return TileStore(name, split, tuple(rows), tuple(read_part(path, TileShardRecord)[0] for path, _ in tables))


def _pack(
    job: _Import,
    split: Split,
    building: AnyPath,
    rows: Sequence[TileRow],
    kept: Mapping[str, CheckedTile],
    tables: Sequence[tuple[AnyPath, str]],
) -> None:
    """Write the shards that are not there; the record in a shard's table is its commit."""
    found = {tile.tile_id: tile for tile in job.source.tiles if tile.split == split}
    missing = set(missing_tile_shards(building, len(tables)))

    def read(row: TileRow) -> TileArrays:
        return _read_again(found[row.tile_id], kept[row.tile_id], job.layout)

    for shard, (path, made_from) in enumerate(tables):
        mine = tile_shard_rows(rows, shard, job.settings)
        if part_inputs(path) != made_from or shard in missing:
            write_part(path, TileShardRecord, [write_tile_shard(building, shard, mine, read, job.settings)], made_from)
        job.progress(f"pack {split}", mine[-1].row + 1, len(rows))


def _read_again(tile: FoundTile, checked: CheckedTile, layout: TileLayout) -> TileArrays:
    try:
        data = read_files(tile)
        if _sha256(data) != checked.sha256:
            raise BadTileError("changed", "its files are not those that were checked")
        arrays, _ = read_tile(data, layout)
    except BadTileError as error:
        raise NoldoError(
            f"tile {tile.tile_id} was changed while it was imported ({error}); restore the source, delete tables/tiles "
            f"and run the import again"
        ) from error
    return arrays


def _sha256(data: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for role in sorted(data):
        digest.update(f"{role}:{len(data[role])}:".encode() + data[role])
    return digest.hexdigest()
