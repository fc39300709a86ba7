"""The stages as tasks: read the part before, call the stage, commit the part. Runs in any process."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.export import export_part
from pipeline.ledger import Outcome
from pipeline.match import match_part
from pipeline.pack import pack_shard, shard_present
from pipeline.parts import part_inputs, read_part, write_part
from pipeline.quality import assess
from pipeline.recipe import Recipe, canonical_digest
from pipeline.schema.errors import FailureKind, SourceError
from pipeline.schema.layout import RunLayout
from pipeline.schema.records import (
    Attempt,
    ExportRecord,
    Failure,
    Location,
    Patch,
    QualityRecord,
    SeasonMatch,
    ShardRecord,
    StoreRow,
    Verdict,
)
from pipeline.seasons import filter_seasons
from pipeline.sources.earthengine import EarthEngineSource, EarthEngineSpec
from pipeline.staging import read_tiles, tile_inputs, write_tiles

RETRIED = (FailureKind.TRANSIENT, FailureKind.QUOTA)
"""Failures that the next run tries again by itself."""


@dataclass(frozen=True)
class Job:
    """What every task of a build needs to know."""

    run: RunLayout
    recipe: Recipe
    spec: EarthEngineSpec
    list_digest: str | None
    """SHA-256 of the list of locations, where the recipe names one."""


def match_task(job: Job, before: Outcome) -> Outcome:
    """Find the scenes of a part's locations, all in one request."""
    settings = {"seasons": job.recipe.seasons.model_dump(mode="json"), "source": job.recipe.source.identity()}
    inputs = canonical_digest(["match", settings, before.inputs])
    path = job.run.table("match", before.part)
    if part_inputs(path) == inputs:
        return Outcome("match", before.part, inputs, before.locations, made=False)
    locations = read_part(job.run.table("sample", before.part), Location)
    attempts: list[Attempt] = []
    try:
        source = EarthEngineSource(job.spec, stage="match", record=attempts.append)
        matches = match_part(locations, job.recipe.seasons, source)
    except SourceError as error:
        failed = _all_failed("match", [place.location_id for place in locations], error, attempts)
        return Outcome("match", before.part, inputs, 0, True, tuple(attempts), failed)
    write_part(path, SeasonMatch, matches, inputs)
    return Outcome("match", before.part, inputs, len(locations), True, tuple(attempts))


def seasons_task(job: Job, before: Outcome) -> Outcome:
    """Keep the locations whose four seasons are complete, by metadata."""
    if before.failures:
        return Outcome("seasons", before.part, "", 0, made=False)
    inputs = canonical_digest(["seasons", before.inputs])
    path = job.run.table("seasons", before.part)
    if part_inputs(path) == inputs:
        return Outcome("seasons", before.part, inputs, before.locations, made=False)
    locations = read_part(job.run.table("sample", before.part), Location)
    verdicts = filter_seasons(locations, read_part(job.run.table("match", before.part), SeasonMatch))
    write_part(path, Verdict, verdicts, inputs)
    return Outcome("seasons", before.part, inputs, len(locations), made=True)


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
        source = EarthEngineSource(job.spec, stage="export", record=attempts.append)
    except SourceError as error:
        failed = _all_failed("export", [v.location_id for v in verdicts if v.kept], error, attempts)
        return Outcome("export", before.part, inputs, 0, True, tuple(attempts), failed)
    part = export_part(locations, matches, verdicts, job.recipe.export, source, have)
    path.unlink(missing_ok=True)
    if part.patches:
        write_tiles(tile, part.patches, inputs)
    write_part(path, ExportRecord, part.records, inputs)
    return Outcome(
        "export", before.part, inputs, before.locations, True, tuple(attempts), _failures(part.records, attempts)
    )


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


def pack_task(job: Job, store: Path, shard: int, rows: tuple[StoreRow, ...], upstream: str) -> Outcome:
    """Write one shard of the store from the staged patches."""
    inputs = canonical_digest(["pack", job.recipe.store.model_dump(mode="json"), shard, upstream])
    path = job.run.table("pack", shard)
    if part_inputs(path) == inputs and shard_present(store, shard):
        return Outcome("pack", shard, inputs, len(rows), made=False)
    record = pack_shard(store, shard, rows, job.run.tile, job.recipe.store)
    write_part(path, ShardRecord, [record], inputs)
    return Outcome("pack", shard, inputs, len(rows), made=True)


def _one_by_one(tile: Path, rows: list[int]) -> Iterable[Patch]:
    for row in rows:
        yield from read_tiles(tile, [row])


def _failures(records: Iterable[ExportRecord], attempts: Iterable[Attempt]) -> tuple[Failure, ...]:
    made = Counter(a.location_id for a in attempts)
    return tuple(
        Failure(r.location_id, "export", max(made[r.location_id], 1), r.failure_kind, r.failure_message)
        for r in records
        if r.failure_kind is not None and r.failure_kind is not FailureKind.EMPTY
    )


def _all_failed(
    stage: str, location_ids: Iterable[str], error: SourceError, attempts: Iterable[Attempt]
) -> tuple[Failure, ...]:
    made = max(sum(a.kind != "ok" for a in attempts), 1)
    return tuple(Failure(location_id, stage, made, error.kind, str(error)) for location_id in location_ids)
