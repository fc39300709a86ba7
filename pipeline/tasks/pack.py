"""One shard of the store, as a task."""

from pathlib import Path

from pipeline.ledger import Outcome
from pipeline.pack import pack_shard, shard_present
from pipeline.parts import part_inputs, write_part
from pipeline.recipe import canonical_digest
from pipeline.schema.records import ShardRecord, StoreRow
from pipeline.tasks.job import Job


def pack_task(job: Job, store: Path, shard: int, rows: tuple[StoreRow, ...], upstream: str) -> Outcome:
    """Write one shard of the store from the staged patches."""
    inputs = canonical_digest(["pack", job.recipe.store.model_dump(mode="json"), shard, upstream])
    path = job.run.table("pack", shard)
    if part_inputs(path) == inputs and shard_present(store, shard):
        return Outcome("pack", shard, inputs, len(rows), made=False)
    record = pack_shard(store, shard, rows, job.run.tile, job.recipe.store)
    write_part(path, ShardRecord, [record], inputs)
    return Outcome("pack", shard, inputs, len(rows), made=True)
