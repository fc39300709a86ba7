"""One shard of a downstream store from expert tiles, as a task."""

from pipeline.ledger import Outcome
from pipeline.parts import part_inputs, write_part
from pipeline.recipe import canonical_digest
from pipeline.schema.paths import AnyPath
from pipeline.schema.tiles import TileShardRecord
from pipeline.split_stores import TileShard
from pipeline.tasks.tile_job import TileJob
from pipeline.tile_staging import read_staged
from pipeline.tile_store import tile_shard_present, write_tile_shard


def pack_tiles_task(job: TileJob, building: AnyPath, shard: TileShard, upstream: str) -> Outcome:
    """Write one shard of a store from the staged tiles; the shard's record is the commit."""
    inputs = canonical_digest(["pack", job.recipe.store.model_dump(mode="json"), shard.store, shard.shard, upstream])
    path = job.run.table("pack", shard.number)
    made = not (part_inputs(path) == inputs and tile_shard_present(building, shard.shard))
    if made:
        part_of = {row.tile_id: part for row, part in zip(shard.rows, shard.parts, strict=True)}
        record = write_tile_shard(
            building,
            shard.shard,
            shard.rows,
            lambda row: read_staged(job.run.staged_tile(part_of[row.tile_id], row.tile_id)),
            job.recipe.store,
        )
        write_part(path, TileShardRecord, [record], inputs)
    return Outcome("pack", shard.number, inputs, len(shard.rows), made=made)
