"""SSL4EO-S12@OSM on one screen: labels, agreement, split, pack, manifest.

One process does it all: the map service is asked for one map at a time, and nothing else is heavy.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from pipeline.budget import BudgetSettings
from pipeline.building import mended, require_all_had
from pipeline.commit import begun_inputs, folder_inputs, forget_begun
from pipeline.funnel_step import FunnelStep
from pipeline.ledger import Ledger, Outcome
from pipeline.manifest.made_from import store_made
from pipeline.manifest.tile_index import TileStore
from pipeline.manifest.tile_manifest import write_tile_manifest
from pipeline.manifest.tile_sets import OSM_SET
from pipeline.manifest.write import is_written
from pipeline.osm_state import dropped_tiles, labelled_funnel, osm_funnel, read_osm_tables
from pipeline.parts import part_inputs, read_part
from pipeline.recipe import canonical_digest
from pipeline.run_directory import prune_parts, prune_stores
from pipeline.schema.errors import NoldoError
from pipeline.schema.osm_records import SplitChoice
from pipeline.schema.tiles import SPLITS, Split, TileRow, TileShardRecord
from pipeline.tasks.osm_agreement import agreement_task
from pipeline.tasks.osm_job import OsmJob
from pipeline.tasks.osm_labels import Ask, Politely, labels_task
from pipeline.tasks.osm_pack import pack_shard_task, pack_stage
from pipeline.tasks.osm_split import split_task
from pipeline.tasks.plainly import run_plainly
from pipeline.tile_store import (
    commit_tile_store,
    create_tile_store,
    missing_tile_shards,
    n_tile_shards,
    tile_rows,
    tile_shard_rows,
)

STAGES: Final = ("labels", "agreement", "split", "pack", "manifest")
"""In order; a build can stop after any of them."""

PART_STAGES: Final = ("labels", "agreement", "inspection")


def build_osm(
    job: OsmJob, ask: Ask, ledger: Ledger, until: str = STAGES[-1], note: Callable[[str], None] = lambda _: None
) -> tuple[FunnelStep, ...]:
    """Bring a run directory up to stage `until`, doing only what is not done; returns the funnel so far.

    A committed file that turns out to be damaged is removed and made again, which `note` is told. Raises NoldoError
    where land use is still to be had: running the same build again goes on with it.
    """
    wanted = STAGES[: STAGES.index(until) + 1]
    return mended(lambda: _build(job, ask, ledger, wanted), ledger, note)


def _build(job: OsmJob, ask: Ask, ledger: Ledger, wanted: Sequence[str]) -> tuple[FunnelStep, ...]:
    tiles = len(job.tiles.tiles)
    prune_parts(job.run, PART_STAGES, job.parts)
    politely = Politely(ask)
    labelled = _parts(ledger, "labels", tiles, job.parts, lambda part: labels_task(job, part, politely), job)
    allowed = job.recipe.max_failed_share * tiles
    require_all_had(ledger, BudgetSettings(), allowed, spent=False, what="tiles", share_key="max_failed_share")
    if "agreement" not in wanted:
        return labelled_funnel(job.run, job.parts)
    judged = _parts(ledger, "agreement", tiles, job.parts, lambda part: agreement_task(job, labelled[part]), job)
    if "split" in wanted:
        split = _parts(ledger, "split", tiles, 1, lambda _: split_task(job, judged), job)[0]
        if "pack" in wanted:
            stores = pack(job, ledger, split.inputs)
            if "manifest" in wanted:
                describe(job, ledger, stores, split.inputs)
    return osm_funnel(read_osm_tables(job.run, job.parts), "split" in wanted)


def _parts(
    ledger: Ledger, stage: str, tiles: int, parts: int, task: Callable[[int], Outcome], job: OsmJob
) -> list[Outcome]:
    """Run a stage's parts one after another."""
    ledger.begin(stage, tiles)
    outcomes = []
    for part in range(parts):
        outcomes.append(run_plainly(lambda _, number: task(number), job, part))
        ledger.record(outcomes[-1])
    return outcomes


def split_rows(job: OsmJob, split: Split) -> list[TileRow]:
    """The rows of a split's store."""
    grids = {tile.tile_id: tile.grid for tile in job.tiles.tiles}
    choices = read_part(job.run.table("split", 0), SplitChoice)
    chosen = [(choice.tile_id, grids[choice.tile_id]) for choice in choices if choice.split == split]
    return tile_rows(chosen, job.recipe.store.seed)


def pack(job: OsmJob, ledger: Ledger, upstream: str) -> list[TileStore]:
    """Write the splits into their stores; returns those that have tiles."""
    rows = {split: split_rows(job, split) for split in SPLITS}
    total = sum(len(found) for found in rows.values())
    if not total:
        raise NoldoError("no tile passed the agreement check, so there is no store to write; see noldo report")
    ledger.begin("pack", total)
    for split in (split for split, found in rows.items() if not found):  # of an earlier build with other settings
        prune_parts(job.run, (pack_stage(split),), 0)
    stores: list[TileStore] = []
    for split, found in rows.items():
        if found:
            numbered = sum(len(store.shards) for store in stores)
            stores.append(_packed(job, ledger, split, found, upstream, numbered))
    prune_stores(job.run, {store.name for store in stores})
    return stores


def _packed(job: OsmJob, ledger: Ledger, split: Split, rows: list[TileRow], upstream: str, numbered: int) -> TileStore:
    """One split's store; in the ledger the shards of all stores are counted through, its own from `numbered` on."""
    settings, name = job.recipe.store, job.recipe.stores[split]
    final, shards = job.run.store(name), range(n_tile_shards(len(rows), settings))
    tables = [job.run.table(pack_stage(split), shard) for shard in shards]
    inputs = canonical_digest(["store", settings.model_dump(mode="json"), split, upstream])
    whole = folder_inputs(final) == inputs and all(part_inputs(table) is not None for table in tables)
    if whole and not missing_tile_shards(final, len(shards)):
        ledger.record(Outcome("pack", numbered, inputs, len(rows), made=False))
    else:
        if begun_inputs(final) != inputs:
            forget_begun(final)
        building = create_tile_store(final, rows, settings, inputs, labels=("dw", "osm"))
        for shard in shards:
            members = tile_shard_rows(rows, shard, settings)
            done = run_plainly(pack_shard_task, job, split, building, shard, members, inputs)
            ledger.record(replace(done, part=numbered + shard))
        prune_parts(job.run, (pack_stage(split),), len(shards))
        commit_tile_store(final, [read_part(table, TileShardRecord)[0] for table in tables])
    return TileStore(name, split, tuple(rows), tuple(read_part(table, TileShardRecord)[0] for table in tables))


def describe(job: OsmJob, ledger: Ledger, stores: Sequence[TileStore], upstream: str) -> None:
    """Write the manifest of the finished stores, unless it is there already."""
    rows = sum(len(store.rows) for store in stores)
    ledger.begin("manifest", rows)
    digest = job.digest()
    inputs = canonical_digest(["manifest", upstream, job.recipe.store.model_dump(mode="json"), digest])
    made = not is_written(job.run, inputs)
    if made:
        tables = read_osm_tables(job.run, job.parts)
        write_tile_manifest(
            job.run,
            OSM_SET,
            stores,
            [store_made(job.run, s.name, s.split, pack_stage(s.split), len(s.shards)) for s in stores],
            pairs=[tile.pair for tile in job.tiles.tiles],
            dropped=dropped_tiles(tables),
            funnel=osm_funnel(tables, split=True),
            provenance={
                "inputs": inputs,
                "recipe": {**job.recipe.published(), "tiles_content_digest": job.tiles.digest},
                "recipe_digest": digest,
                "source": job.tiles.source,
            },
            copied=("agreement", "inspection", "leakage"),
        )
    ledger.record(Outcome("manifest", 0, inputs, rows, made))
