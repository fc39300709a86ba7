"""The four-season filter by pixels, as a task."""

from pipeline.funnel import judged_step
from pipeline.ledger import Outcome
from pipeline.parts import part_inputs, read_part, write_part
from pipeline.quality import assess
from pipeline.recipe import canonical_digest
from pipeline.schema.errors import FailureKind
from pipeline.schema.records import ExportRecord, QualityRecord
from pipeline.staging import each_tile
from pipeline.tasks.job import Job


def quality_task(job: Job, before: Outcome) -> Outcome:
    """Judge the pixels of every location that arrived, once no more are to come in this run or the next."""
    if not before.inputs or any(failure.kind is not FailureKind.PERMANENT for failure in before.failures):
        return Outcome("quality", before.part, "", 0, made=False)
    lost = sorted(failure.location_id for failure in before.failures)
    settings = job.recipe.quality.model_dump(mode="json")
    inputs = canonical_digest(["quality", settings, before.inputs, *([lost] if lost else [])])
    path = job.run.table("quality", before.part)
    if part_inputs(path) == inputs:
        return Outcome("quality", before.part, inputs, before.locations, made=False)
    exported = read_part(job.run.table("export", before.part), ExportRecord)
    arrived = [r.tile_row for r in exported if r.failure_kind is None]
    patches = each_tile(job.run.tile(before.part), arrived) if arrived else ()
    records = [assess(patch, job.recipe.quality) for patch in patches]
    write_part(path, QualityRecord, records, inputs)
    return Outcome("quality", before.part, inputs, before.locations, made=True, step=judged_step("quality", records))
