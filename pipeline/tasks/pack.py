"""One shard of the store, as a task."""

from pipeline.freed import free_packed, require_staged
from pipeline.ledger import Outcome
from pipeline.pack import pack_shard, shard_present
from pipeline.parts import part_inputs, write_part
from pipeline.recipe import canonical_digest
from pipeline.schema.paths import AnyPath
from pipeline.schema.records import ShardRecord, StoreRow
from pipeline.tasks.job import Job


def pack_task(job: Job, store: AnyPath, shard: int, rows: tuple[StoreRow, ...], upstream: str) -> Outcome:
    """Write one shard of the store from the staged patches, which then go if the recipe says so.

    The shard's record is the commit; only after it are the staged pixels of its rows removed.
    """
    inputs = canonical_digest(["pack", job.recipe.store_content(), shard, upstream])
    path = job.run.table("pack", shard)
    made = not (part_inputs(path) == inputs and shard_present(store, shard))
    if made:
        require_staged(job.run, rows)
        record = pack_shard(store, shard, rows, job.run.tile, job.recipe.store)
        write_part(path, ShardRecord, [record], inputs)
    if job.recipe.store.staging == "free":
        free_packed(job.run, rows)
    return Outcome("pack", shard, inputs, len(rows), made=made)
