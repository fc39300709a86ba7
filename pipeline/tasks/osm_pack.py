"""One shard of one of the OSM set's stores, as a task."""

from collections.abc import Mapping

from pipeline.built_tiles import BuiltTile
from pipeline.ledger import Outcome
from pipeline.parts import part_inputs, write_part
from pipeline.recipe import canonical_digest
from pipeline.schema.paths import AnyPath
from pipeline.schema.tiles import Split, TileArrays, TileRow, TileShardRecord
from pipeline.tasks.osm_agreement import tile_labels
from pipeline.tasks.osm_job import OsmJob
from pipeline.tile_arrays import read_tile_row
from pipeline.tile_store import tile_shard_present, write_tile_shard


def pack_stage(split: Split) -> str:
    """The table of a split's shards."""
    return f"pack_{split}"


def pack_shard_task(
    job: OsmJob, split: Split, building: AnyPath, shard: int, rows: tuple[TileRow, ...], upstream: str
) -> Outcome:
    """Write one shard from the expert tiles' store and the OSM labels; the shard's record is the commit."""
    inputs = canonical_digest(["pack", job.recipe.store.model_dump(mode="json"), split, shard, upstream])
    path = job.run.table(pack_stage(split), shard)
    made = not (part_inputs(path) == inputs and tile_shard_present(building, shard))
    if made:
        places = {tile.tile_id: (at, tile) for at, tile in enumerate(job.tiles.tiles)}
        record = write_tile_shard(building, shard, rows, lambda row: _arrays(job, row, places), job.recipe.store)
        write_part(path, TileShardRecord, [record], inputs)
    return Outcome("pack", shard, inputs, len(rows), made)


def _arrays(job: OsmJob, row: TileRow, places: Mapping[str, tuple[int, BuiltTile]]) -> TileArrays:
    at, tile = places[row.tile_id]
    stored = read_tile_row(job.tiles.store(tile), tile.row)
    labels = tile_labels(job, at // job.recipe.part_tiles, tile)
    return {"s2": stored["s2"], "s1": stored["s1"], "dw": stored["dw"], "osm": labels}
