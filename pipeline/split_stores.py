"""The two stores of a set from expert tiles, one a split: planned, and read back when they are finished."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.commit import folder_inputs
from pipeline.funnel import NO_SCENES
from pipeline.funnel_step import FunnelStep
from pipeline.manifest.tile_index import TileStore
from pipeline.manifest.write import is_written
from pipeline.parts import part_inputs, read_part
from pipeline.recipe import canonical_digest
from pipeline.schema.errors import NoldoError
from pipeline.schema.grid import PixelGrid
from pipeline.schema.layout import RunLayout
from pipeline.schema.tiles import (
    DroppedTile,
    ExpertTile,
    FetchedTile,
    Split,
    TilePair,
    TileRow,
    TileShardRecord,
    UnusableTile,
)  # fmt: skip
from pipeline.tile_recipe import DwRecipe
from pipeline.tile_state import IndexedTiles, read_tables, read_tile_funnel, same_tiles, tile_parts, why_not_fetched
from pipeline.tile_store import missing_tile_shards, n_tile_shards, tile_rows, tile_shard_rows


@dataclass(frozen=True)
class TileShard:
    """What one shard is made of."""

    store: str
    """Name of the store."""
    number: int
    """Of its record's table part: the shards of all stores are counted through."""
    shard: int
    rows: tuple[TileRow, ...]
    parts: tuple[int, ...]
    """The part in which each row's pixels are staged."""


@dataclass(frozen=True)
class PlannedStore:
    """One store, before or after it is written."""

    name: str
    split: Split
    inputs: str
    """Digest of all that it is made from."""
    rows: tuple[TileRow, ...]
    shards: tuple[TileShard, ...]


@dataclass(frozen=True)
class _Placed:
    """Of an ExpertTile, as much as a store's order needs."""

    tile_id: str
    split: Split
    grid: PixelGrid


def plan_stores(run: RunLayout, recipe: DwRecipe, fetched: Sequence[str]) -> list[PlannedStore]:
    """The stores of the splits that have tiles; `fetched` are the inputs digests of the parts of the last stage."""
    placed: dict[Split, list[tuple[str, PixelGrid]]] = {split: [] for split in recipe.stores}
    part_of: dict[str, int] = {}
    for part in range(len(fetched)):
        kept = {tile.tile_id for tile in read_part(run.table("fetch", part), FetchedTile) if tile.kept}
        for tile in read_part(run.table("tiles", part), _Placed):
            if tile.tile_id in kept:
                placed[tile.split].append((tile.tile_id, tile.grid))
                part_of[tile.tile_id] = part
    stores: list[PlannedStore] = []
    number = 0
    for split, name in recipe.stores.items():
        if placed[split]:
            inputs = canonical_digest(["store", name, recipe.store.model_dump(mode="json"), list(fetched)])
            rows = tile_rows(placed[split], recipe.store.seed)
            shards = []
            for shard in range(n_tile_shards(len(rows), recipe.store)):
                some = tile_shard_rows(rows, shard, recipe.store)
                parts = tuple(part_of[row.tile_id] for row in some)
                shards.append(TileShard(name, number + shard, shard, some, parts))
            stores.append(PlannedStore(name, split, inputs, tuple(rows), tuple(shards)))
            number += len(shards)
    return stores


def store_complete(run: RunLayout, store: PlannedStore) -> bool:
    """Whether a store is committed for its inputs, with every shard and every shard's record."""
    return folder_inputs(run.store(store.name)) == store.inputs and _shards_complete(run, store)


def _shards_complete(run: RunLayout, store: PlannedStore) -> bool:
    if missing_tile_shards(run.store(store.name), len(store.shards)):
        return False
    return all(part_inputs(run.table("pack", shard.number)) is not None for shard in store.shards)


def shard_records(run: RunLayout, store: PlannedStore) -> list[TileShardRecord]:
    """The records of a store's shards, in order."""
    return [read_part(run.table("pack", shard.number), TileShardRecord)[0] for shard in store.shards]


def finished_store(run: RunLayout, store: PlannedStore) -> TileStore:
    """A store as the manifest describes it."""
    return TileStore(store.name, store.split, store.rows, tuple(shard_records(run, store)))


def described_by(recipe: DwRecipe, tiles_digest: str, stores: Mapping[str, str]) -> str:
    """The digest of what a data set was made from: stores (name -> inputs digest) by this recipe from these tiles."""
    return canonical_digest(["manifest", dict(stores), recipe.digest(tiles_digest)])


def dropped_tiles(run: RunLayout, parts: int) -> list[DroppedTile]:
    """Every tile, and every file, that is in no store, with the stage that dropped it and the reason.

    What a service said of a failure is left out: two builds of one data set may hear different words.
    """
    files = read_part(run.table("unusable", 0), UnusableTile)
    dropped = [DroppedTile(one.file, "", "tiles", one.reason, one.detail) for one in files]
    split_of = {tile.tile_id: tile.split for tile in read_tables(run, "tiles", parts, ExpertTile)}
    for pair in read_tables(run, "pair", parts, TilePair):
        if pair.reason or pair.failure_kind is not None:
            reason, detail = pair.reason or NO_SCENES, pair.detail
            dropped.append(DroppedTile(pair.tile_id, split_of[pair.tile_id], "pair", reason, detail))
    for tile in read_tables(run, "fetch", parts, FetchedTile):
        if not tile.kept:
            reason = why_not_fetched(tile)
            dropped.append(DroppedTile(tile.tile_id, split_of[tile.tile_id], "fetch", reason, tile.detail))
    return dropped


def finished_funnel(run: RunLayout, recipe: DwRecipe, indexed: IndexedTiles) -> tuple[FunnelStep, ...] | None:
    """The funnel of a build of this recipe that is wholly there, or None where something is to be done."""
    made_from = {name: folder_inputs(run.store(name)) for name in recipe.stores.values()}
    known = {name: inputs for name, inputs in made_from.items() if inputs is not None}
    described = described_by(recipe, indexed.digest, known)
    if not is_written(run, described) or not same_tiles(run, recipe, indexed):
        return None
    parts = sum(1 for _ in tile_parts(recipe, indexed.tiles))
    try:
        steps = read_tile_funnel(run, parts, ("pair", "fetch"))
        stores = plan_stores(run, recipe, [""] * parts)  # their rows; what they were made from is known above
    except NoldoError:
        return None
    whole = {store.name for store in stores} == known.keys() and all(_shards_complete(run, s) for s in stores)
    return steps if whole else None
