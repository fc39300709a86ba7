"""A downstream set from expert tiles on one screen: tiles, pair, fetch, pack, manifest, joined by Dask."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from pipeline.building import mended, require_all_had, run_parts
from pipeline.cluster.crew import Chain, Crew
from pipeline.commit import begun_inputs, forget_begun
from pipeline.funnel_step import FunnelStep
from pipeline.ledger import Ledger, Outcome
from pipeline.manifest.made_from import store_made
from pipeline.manifest.tile_manifest import write_tile_manifest
from pipeline.manifest.tile_sets import DW_SET
from pipeline.manifest.write import is_written
from pipeline.run_directory import Claim, prune_parts, prune_stores
from pipeline.schema.errors import NoldoError
from pipeline.schema.tiles import TilePair
from pipeline.split_stores import (
    PlannedStore,
    described_by,
    dropped_tiles,
    finished_store,
    plan_stores,
    shard_records,
    store_complete,
)  # fmt: skip
from pipeline.tasks.fetch_tiles import fetch_task
from pipeline.tasks.pack_tiles import pack_tiles_task
from pipeline.tasks.pair import pair_task
from pipeline.tasks.plainly import run_alone
from pipeline.tasks.tile_index import commit_tiles
from pipeline.tasks.tile_job import TileJob
from pipeline.tile_recipe import FREE_KEYS, DwRecipe
from pipeline.tile_state import IndexedTiles, read_tables, read_tile_funnel, tiles_inputs
from pipeline.tile_store import commit_tile_store, create_tile_store

STAGES: Final = ("tiles", "pair", "fetch", "pack", "manifest")
"""In order; a build can stop after any of them."""

PART_TASKS: Final[dict[str, Callable[[TileJob, Outcome], Outcome]]] = {"pair": pair_task, "fetch": fetch_task}
"""Stages that turn one part into one part, each part by itself."""


def claim_for(recipe: DwRecipe, indexed: IndexedTiles) -> Claim:
    """What a run directory is claimed for by a build of these tiles."""
    return Claim(recipe.canonical(), "tiles", tiles_inputs(recipe, indexed.digest, 0), "experts", FREE_KEYS)


def build_tiles(
    job: TileJob,
    indexed: IndexedTiles,
    crew: Crew,
    ledger: Ledger,
    until: str = STAGES[-1],
    note: Callable[[str], None] = lambda _: None,
) -> tuple[FunnelStep, ...]:
    """Bring a run directory up to stage `until`, doing only what is not done; returns the funnel so far.

    A committed file that turns out to be damaged is removed and made again, which `note` is told. Raises NoldoError
    where tiles are still to be had: running the same build again goes on with them.
    """
    wanted = STAGES[: STAGES.index(until) + 1]
    return mended(lambda: _build(job, indexed, crew, ledger, wanted), ledger, note)


def _build(
    job: TileJob, indexed: IndexedTiles, crew: Crew, ledger: Ledger, wanted: Sequence[str]
) -> tuple[FunnelStep, ...]:
    parts = commit_tiles(job.run, job.recipe, indexed, ledger)
    tasks = {stage: task for stage, task in PART_TASKS.items() if stage in wanted}
    outcomes = run_parts(job, crew, ledger, parts, tasks)
    require_all_had(
        ledger,
        job.recipe.budget,
        job.recipe.fetch.max_failed_share * len(indexed.tiles),
        spent=crew.budget_spent,
        whole=all(outcome.inputs for outcome in outcomes),
        what="tiles",
        share_key="fetch.max_failed_share",
    )
    if "pack" in wanted:
        stores = pack(job, crew, ledger, outcomes)
        if "manifest" in wanted:
            describe(job, indexed, ledger, stores, len(parts))
    return read_tile_funnel(job.run, len(parts), wanted)


def pack(job: TileJob, crew: Crew, ledger: Ledger, fetched: Sequence[Outcome]) -> list[PlannedStore]:
    """Write the kept tiles of each split into its store, one task a shard; returns the stores."""
    stores = plan_stores(job.run, job.recipe, [outcome.inputs for outcome in fetched])
    tiles = sum(len(store.rows) for store in stores)
    if not tiles:
        raise NoldoError("no tile could be paired and fetched, so there is no store to write; 'noldo status' says why")
    ledger.begin("pack", tiles)
    begun = [store for store in stores if not store_complete(job.run, store)]
    for store in stores:
        if store not in begun:
            ledger.record(Outcome("pack", store.shards[0].number, store.inputs, len(store.rows), made=False))
    chains = [chain for store in begun for chain in _shard_chains(job, store)]
    for outcome in crew.run(chains, ledger.record_attempt):
        ledger.record(outcome)
    prune_parts(job.run, ("pack",), sum(len(store.shards) for store in stores))
    for store in begun:
        commit_tile_store(job.run.store(store.name), shard_records(job.run, store))
    prune_stores(job.run, {store.name for store in stores})
    return stores


def _shard_chains(job: TileJob, store: PlannedStore) -> list[Chain[Outcome]]:
    final = job.run.store(store.name)
    if begun_inputs(final) != store.inputs:
        forget_begun(final)
    building = create_tile_store(final, store.rows, job.recipe.store, store.inputs)
    return [
        Chain(f"{shard.number:05d}", {"pack": partial(run_alone, pack_tiles_task, job, building, shard)}, store.inputs)
        for shard in store.shards
    ]


def describe(job: TileJob, indexed: IndexedTiles, ledger: Ledger, stores: Sequence[PlannedStore], parts: int) -> None:
    """Write the manifest of finished stores, unless it is there already."""
    ledger.begin("manifest", sum(len(store.rows) for store in stores))
    recipe = job.recipe
    described = described_by(recipe, indexed.digest, {store.name: store.inputs for store in stores})
    made = not is_written(job.run, described)
    if made:
        write_tile_manifest(
            job.run,
            DW_SET,
            [finished_store(job.run, store) for store in stores],
            [
                store_made(job.run, store.name, store.split, "pack", len(store.shards), store.shards[0].number)
                for store in stores
            ],
            pairs=list(read_tables(job.run, "pair", parts, TilePair)),
            dropped=dropped_tiles(job.run, parts),
            funnel=read_tile_funnel(job.run, parts, STAGES),
            provenance={
                "inputs": described,
                "recipe": recipe.published(),
                "recipe_digest": recipe.digest(indexed.digest),
            },
        )
    ledger.record(Outcome("manifest", 0, described, sum(len(store.rows) for store in stores), made))
