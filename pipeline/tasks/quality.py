"""The four-season filter by pixels, as a task."""

from collections.abc import Iterable

from pipeline.ledger import Outcome
from pipeline.parts import part_inputs, read_part, write_part
from pipeline.quality import assess
from pipeline.recipe import canonical_digest
from pipeline.schema.paths import AnyPath
from pipeline.schema.records import ExportRecord, Patch, QualityRecord
from pipeline.staging import read_tiles
from pipeline.tasks.job import Job


def quality_task(job: Job, before: Outcome) -> Outcome:
    """Judge the pixels of every location that arrived."""
    if not before.inputs or before.failures:
        return Outcome("quality", before.part, "", 0, made=False)
    inputs = canonical_digest(["quality", job.recipe.quality.model_dump(mode="json"), before.inputs])
    path = job.run.table("quality", before.part)
    if part_inputs(path) == inputs:
        return Outcome("quality", before.part, inputs, before.locations, made=False)
    exported = read_part(job.run.table("export", before.part), ExportRecord)
    arrived = [r.tile_row for r in exported if r.failure_kind is None]
    records = [assess(patch, job.recipe.quality) for patch in _one_by_one(job.run.tile(before.part), arrived)]
    write_part(path, QualityRecord, records, inputs)
    return Outcome("quality", before.part, inputs, before.locations, made=True)


def _one_by_one(tile: AnyPath, rows: list[int]) -> Iterable[Patch]:
    for row in rows:
        yield from read_tiles(tile, [row])
