"""The pixels of a part's locations, as a task."""

from collections import Counter
from collections.abc import Iterable

from pipeline.export import export_part
from pipeline.ledger import Outcome
from pipeline.parts import part_inputs, read_part, write_part
from pipeline.recipe import canonical_digest
from pipeline.schema.errors import FailureKind, SourceError
from pipeline.schema.records import Attempt, ExportRecord, Failure, Location, SeasonMatch, Verdict
from pipeline.sources.earthengine import EarthEngineSource
from pipeline.staging import read_tiles, tile_inputs, write_tiles
from pipeline.tasks.job import Job, all_failed, counted_in

RETRIED = (FailureKind.TRANSIENT, FailureKind.QUOTA)
"""Failures that the next run tries again by itself."""


def export_task(job: Job, before: Outcome) -> Outcome:
    """Fetch the pixels of the locations that are left; what an earlier run fetched is kept."""
    if not before.inputs:
        return Outcome("export", before.part, "", 0, made=False)
    inputs = canonical_digest(["export", job.recipe.export_content(), before.inputs])
    path, tile = job.run.table("export", before.part), job.run.tile(before.part)
    records = read_part(path, ExportRecord) if part_inputs(path) == inputs else []
    arrived = [r.tile_row for r in records if r.failure_kind is None]
    staged = tile_inputs(tile) == inputs
    complete = part_inputs(path) == inputs and not any(r.failure_kind in RETRIED for r in records)
    if complete and (staged or not arrived):
        return Outcome("export", before.part, inputs, before.locations, made=False, failures=_failures(records, ()))
    have = {p.location_id: p for p in read_tiles(tile, arrived)} if arrived and staged else {}
    locations = read_part(job.run.table("sample", before.part), Location)
    matches = read_part(job.run.table("match", before.part), SeasonMatch)
    verdicts = read_part(job.run.table("seasons", before.part), Verdict)
    attempts: list[Attempt] = []
    try:
        source = EarthEngineSource(job.spec, stage="export", link=counted_in(attempts, job.link.bind()))
    except SourceError as error:
        failed = all_failed("export", [v.location_id for v in verdicts if v.kept], error, attempts)
        return Outcome("export", before.part, inputs, 0, True, tuple(attempts), failed)
    part = export_part(locations, matches, verdicts, job.recipe.export, source, have)
    path.unlink(missing_ok=True)
    if part.patches:
        write_tiles(tile, part.patches, inputs)
    write_part(path, ExportRecord, part.records, inputs)
    return Outcome(
        "export", before.part, inputs, before.locations, True, tuple(attempts), _failures(part.records, attempts)
    )


def _failures(records: Iterable[ExportRecord], attempts: Iterable[Attempt]) -> tuple[Failure, ...]:
    made = Counter(a.location_id for a in attempts)
    return tuple(
        Failure(r.location_id, "export", max(made[r.location_id], 1), r.failure_kind, r.failure_message)
        for r in records
        if r.failure_kind is not None and r.failure_kind is not FailureKind.EMPTY
    )
