"""The pixels of a part's locations, as a task."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from pipeline.export import export_part
from pipeline.files import remove
from pipeline.funnel import export_step
from pipeline.ledger import Outcome
from pipeline.parts import part_inputs, read_part, write_part
from pipeline.recipe import canonical_digest
from pipeline.schema.errors import FailureKind, SourceError
from pipeline.schema.records import Attempt, ExportRecord, Failure, Location, SeasonMatch, Verdict
from pipeline.sources.earthengine import EarthEngineSource
from pipeline.sources.protocol import Source
from pipeline.staging import TileForm, TileRows, open_tiles, tile_inputs, tile_rows
from pipeline.tasks.job import Job, all_failed, counted_in

RETRIED = (FailureKind.TRANSIENT, FailureKind.QUOTA)
"""Failures that the next run tries again by itself."""


def export_task(job: Job, before: Outcome) -> Outcome:
    """Fetch the pixels of the locations that are left, each staged as it arrives; the table part is the commit.

    What an earlier run staged for the same inputs is kept: of a committed part as it is, of one that was cut short
    once it has been read back. Rows that were freed after packing count as staged.
    """
    if not before.inputs:
        return Outcome("export", before.part, "", 0, made=False)
    inputs = canonical_digest(["export", job.recipe.export_content(), before.inputs])
    path, tile = job.run.table("export", before.part), job.run.tile(before.part)
    committed = part_inputs(path) == inputs
    records = read_part(path, ExportRecord) if committed else []
    rows = tile_rows(tile) if tile_inputs(tile) == inputs else TileRows()
    settled = _settled(records, rows, (*RETRIED, *job.retry))
    if committed and len(settled) == len(records):
        return _outcome(before, inputs, records, (), made=False)
    kept = _kept(job, before.part)
    attempts: list[Attempt] = []
    if kept:
        try:
            source = EarthEngineSource(job.spec, stage="export", link=counted_in(attempts, job.link.bind()))
        except SourceError as error:
            asked = [place.location_id for place in kept if place.location_id not in settled]
            failed = all_failed("export", asked, error, attempts)
            return Outcome("export", before.part, "", 0, made=True, failures=failed)
        if committed and not (rows.present or rows.freed):
            remove(path)  # it speaks of pixels that are no longer there
        records = _fetched(job, before.part, inputs, kept, settled, rows, source)
    else:
        remove(tile)
        records = []
    write_part(path, ExportRecord, records, inputs)
    return _outcome(before, inputs, records, attempts, made=True)


def _fetched(
    job: Job,
    number: int,
    inputs: str,
    kept: Sequence[Location],
    settled: Mapping[str, ExportRecord],
    rows: TileRows,
    source: Source,
) -> list[ExportRecord]:
    """Fill the rows of a part that are not there; a record for every location that the filter kept."""
    form = TileForm(kept[0].grid.height_px, kept[0].grid.width_px, job.recipe.export.dw_probabilities)
    part = open_tiles(job.run.tile(number), [place.location_id for place in kept], form, inputs)
    found = {
        place.location_id: ExportRecord(place.location_id, row, None, "")
        for row, place in enumerate(kept)
        if place.location_id not in settled and (row in rows.freed or (row in rows.present and part.sound(row)))
    }
    matches = read_part(job.run.table("match", number), SeasonMatch)
    records = export_part(kept, matches, job.recipe.export, source, settled={**settled, **found}, keep=part.write)
    part.finish()
    return list(records)


def _settled(
    records: Iterable[ExportRecord], rows: TileRows, open_again: Collection[FailureKind]
) -> dict[str, ExportRecord]:
    """The committed records that stand, by location: staged pixels, and failures that nobody asks for again."""
    staged = rows.present | rows.freed
    return {
        record.location_id: record
        for record in records
        if (record.tile_row in staged if record.failure_kind is None else record.failure_kind not in open_again)
    }


def _kept(job: Job, part: int) -> list[Location]:
    """The locations that the filter by metadata kept, in order: a row of the staged part each."""
    kept = {v.location_id for v in read_part(job.run.table("seasons", part), Verdict) if v.kept}
    return [place for place in read_part(job.run.table("sample", part), Location) if place.location_id in kept]


def _outcome(
    before: Outcome, inputs: str, records: Sequence[ExportRecord], attempts: Iterable[Attempt], *, made: bool
) -> Outcome:
    """The outcome of a committed part; what follows is made from the locations whose pixels are there."""
    absent = sorted(record.location_id for record in records if record.failure_kind is not None)
    return Outcome(
        "export",
        before.part,
        canonical_digest([inputs, "without", absent]) if absent else inputs,
        before.locations,
        made=made,
        failures=_failures(records, Counter(attempt.location_id for attempt in attempts)),
        step=export_step(records) if made else None,
    )


def _failures(records: Iterable[ExportRecord], attempts: Mapping[str, int]) -> tuple[Failure, ...]:
    return tuple(
        Failure(r.location_id, "export", max(attempts.get(r.location_id, 0), 1), r.failure_kind, r.failure_message)
        for r in records
        if r.failure_kind is not None and r.failure_kind is not FailureKind.EMPTY
    )
