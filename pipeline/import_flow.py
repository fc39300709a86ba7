"""An import on one screen: published files -> staged parts, and from there what a build does with its own."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, cast

from pipeline.building import mended, run_parts
from pipeline.cluster.crew import Crew
from pipeline.commit import remove_folder
from pipeline.files import is_local, listed, make_folder, remove
from pipeline.flow import pack
from pipeline.funnel import judged_step
from pipeline.funnel_step import FunnelStep, commonest_first
from pipeline.import_recipe import ImportRecipe, Kind
from pipeline.importers.imported import Imported, Problem
from pipeline.importers.labels import LabelArchive
from pipeline.importers.ssl4eo import ssl4eo_locations
from pipeline.importers.ssl4eo_zarr import ssl4eo_zarr_locations
from pipeline.ledger import Ledger, Outcome
from pipeline.manifest.index import LABEL_SOURCE
from pipeline.manifest.pretraining_manifest import write_pretraining_manifest
from pipeline.manifest.write import is_written
from pipeline.pack import n_shards, store_inputs
from pipeline.parts import part_inputs, part_rows, read_part, write_part
from pipeline.recipe import canonical_digest
from pipeline.run_state import Judgement, described_by, read_all, shards_complete
from pipeline.schema.errors import NoldoError
from pipeline.schema.layout import RunLayout
from pipeline.schema.records import ExportRecord, Location, SeasonMatch, StoreRow
from pipeline.staging import tile_inputs, tile_rows, write_tiles
from pipeline.tasks.job import Job
from pipeline.tasks.quality import quality_task

STAGES: Final = ("import", "quality", "pack", "manifest")
"""In order; an import can stop after any of them."""

TABLES: Final = ("sample", "match", "export")
"""What an import writes of every part, as a build's stages of these names do."""

NOTED: Final = 10
"""Problems told as they come; all of them are in tables/import."""

NO_IMAGES: Final = "no images"
"""Reason of a location with labels only."""

LAYOUTS: Final[dict[Kind, str]] = {
    "ssl4eo": "s1 and s2c with <id>/<scene>/<band>.tif, in folders or archives",
    "ssl4eo-v1.1": "S2L1C/*.zarr.zip and S1GRD/*.zarr.zip of 64 locations each",
}


@dataclass(frozen=True)
class ImportJob:
    """What the tasks of an import need to know."""

    run: RunLayout
    recipe: ImportRecipe
    list_digest: str
    """Fingerprint of the published files."""


@dataclass(frozen=True)
class ImportEnd:
    """The one row of tables/import: that everything was read, and what of it could not be used."""

    parts: int
    problems: tuple[Problem, ...]


def import_files(
    job: ImportJob, crew: Crew, ledger: Ledger, until: str = STAGES[-1], note: Callable[[str], None] = lambda _: None
) -> tuple[FunnelStep, ...]:
    """Bring a run directory up to stage `until`, doing only what is not done; returns the funnel so far.

    What of the files cannot be used is told in a line each and left out; a damaged file of the run is made again.
    """
    wanted = STAGES[: STAGES.index(until) + 1]
    return mended(lambda: _import_files(job, crew, ledger, wanted, note), ledger, note)


def _import_files(
    job: ImportJob, crew: Crew, ledger: Ledger, wanted: Sequence[str], note: Callable[[str], None]
) -> tuple[FunnelStep, ...]:
    parts = stage_parts(job, ledger, note)
    if "quality" in wanted:
        judged = run_parts(_as_build(job), crew, ledger, parts, {"quality": quality_task})
        if "pack" in wanted:
            rows, inputs = pack(_as_build(job), crew, ledger, judged)
            if "manifest" in wanted:
                describe(job, ledger, rows, inputs, parts=len(parts))
    return import_funnel(job.run, quality="quality" in wanted)


def stage_parts(job: ImportJob, ledger: Ledger, note: Callable[[str], None]) -> list[Outcome]:
    """Read the published files into parts, each as a build's export leaves it; parts that are there stay."""
    run, base = job.run, import_inputs(job)
    there = _whole_parts(run, base)
    for part in set(_begun_parts(run)) - there.keys():
        remove_folder(run.tile(part))
        for table in (*TABLES, "quality"):
            remove(run.table(table, part))
    ledger.begin("import", sum(there.values()))
    for part, locations in there.items():
        ledger.record(Outcome("import", part, _part_inputs(base, part), locations, made=False))
    if part_inputs(run.table("import", 0)) != base or len(there) != _ended(run).parts:
        remove(run.table("import", 0))
        done = {place.location_id for part in there for place in read_part(run.table("sample", part), Location)}
        problems: list[Problem] = []
        for batch in _batches(job, done, problems, note):
            part = next(number for number in itertools.count() if number not in there)
            _commit(run, base, part, batch)
            there[part] = len(batch)
            ledger.found_more("import", len(batch))
            ledger.record(Outcome("import", part, _part_inputs(base, part), len(batch), made=True))
        _require_all(job, there, problems)
        write_part(run.table("import", 0), ImportEnd, [ImportEnd(len(there), tuple(problems))], base)
        for line in _counted(problems):
            note(line)
    return [Outcome("export", part, _part_inputs(base, part), there[part], made=False) for part in sorted(there)]


def describe(job: ImportJob, ledger: Ledger, rows: Sequence[StoreRow], inputs: str, *, parts: int) -> None:
    """Write the manifest of a finished store, unless it is there already."""
    ledger.begin("manifest", len(rows))
    run, recipe = job.run, job.recipe
    described = described_by(inputs, _as_build(job).recipe, job.list_digest)
    made = not is_written(run, described)
    if made:
        write_pretraining_manifest(
            run,
            recipe.name,
            rows,
            parts=parts,
            shards=n_shards(len(rows), recipe.store),
            funnel=import_funnel(run, quality=True),
            provenance={
                "inputs": described,
                "recipe": recipe.published(),
                "recipe_digest": recipe.digest(job.list_digest),
            },
            label_source=LABEL_SOURCE if recipe.labelled else None,
        )
    ledger.record(Outcome("manifest", 0, described, len(rows), made))


def import_inputs(job: ImportJob) -> str:
    """The digest of what decides the staged parts; every part of a table adds its number."""
    source = job.recipe.source.model_dump(mode="json", exclude={"images", "labels"})
    return canonical_digest(["import", source, job.recipe.labelled, job.recipe.part_locations, job.list_digest])


def first_part_inputs(job: ImportJob) -> str:
    """The inputs digest of the first part, by which a run directory is known."""
    return _part_inputs(import_inputs(job), 0)


def import_funnel(run: RunLayout, *, quality: bool) -> tuple[FunnelStep, ...]:
    """What was read and what passed the filter by pixels."""
    end = _ended(run)
    reasons = Counter(problem.reason for problem in end.problems if problem.location_id)
    read = sum(part_rows(run.table("export", part)) for part in range(end.parts))
    steps = (FunnelStep("import", read + reasons.total(), read, commonest_first(reasons)),)
    return (*steps, judged_step("quality", read_all(run, "quality", end.parts, Judgement))) if quality else steps


def problems_of(run: RunLayout) -> tuple[Problem, ...]:
    """Everything of the published files that was left out."""
    return _ended(run).problems


def finished_funnel(job: ImportJob) -> tuple[FunnelStep, ...] | None:
    """The funnel of an import of these files that is wholly there, its manifest included; None where it is not.

    Damage is for the import to tell and to mend: what cannot be read back is not there.
    """
    run, made_from = job.run, store_inputs(job.run.store(job.recipe.name))
    base = import_inputs(job)
    if made_from is None or part_inputs(run.table("import", 0)) != base:
        return None
    described = described_by(made_from, _as_build(job).recipe, job.list_digest)
    if not is_written(run, described):
        return None
    try:
        if len(_whole_parts(run, base)) != _ended(run).parts:
            return None
        steps = import_funnel(run, quality=True)
    except NoldoError:
        return None
    return steps if shards_complete(run, run.store(job.recipe.name), steps[-1].kept, job.recipe.store) else None


def _as_build(job: ImportJob) -> Job:
    """The same job for what a build does with its staged parts.

    Those stages ask of a recipe its name, its quality, store and export settings and its digests, which an
    ImportRecipe answers; they speak to no service.
    """
    return cast(Job, job)


def _ended(run: RunLayout) -> ImportEnd:
    return read_part(run.table("import", 0), ImportEnd)[0]


def _part_inputs(base: str, part: int) -> str:
    return canonical_digest([base, part])


def _whole_parts(run: RunLayout, base: str) -> dict[int, int]:
    """Locations of every part that is whole."""
    found = {}
    for part in _begun_parts(run):
        inputs, tile = _part_inputs(base, part), run.tile(part)
        if all(part_inputs(run.table(table, part)) == inputs for table in TABLES) and tile_inputs(tile) == inputs:
            rows, locations = tile_rows(tile), part_rows(run.table("sample", part))
            if len(rows.present | rows.freed) == locations:
                found[part] = locations
    return found


def _begun_parts(run: RunLayout) -> list[int]:
    """Parts of which there is a table or pixels."""
    paths = [*listed(run.table("sample", 0).parent, "part-*.parquet"), *listed(run.tile(0).parent, "part-*.zarr")]
    return sorted({int(path.stem.removeprefix("part-")) for path in paths})


def _commit(run: RunLayout, base: str, part: int, batch: Sequence[Imported]) -> None:
    """Write one part; that its tables and pixels all carry its digest is what makes it whole."""
    inputs = _part_inputs(base, part)
    write_tiles(run.tile(part), [imported.patch for imported in batch], inputs)
    records = [ExportRecord(imported.location.location_id, row, None, "") for row, imported in enumerate(batch)]
    write_part(run.table("export", part), ExportRecord, records, inputs)
    write_part(run.table("match", part), SeasonMatch, [m for imported in batch for m in imported.matches], inputs)
    write_part(run.table("sample", part), Location, [imported.location for imported in batch], inputs)


def _batches(
    job: ImportJob, done: set[str], problems: list[Problem], note: Callable[[str], None]
) -> Iterator[list[Imported]]:
    """The locations that are not done, a part of them at a time; what cannot be used goes to `problems`."""
    with ExitStack() as stack:
        spool = stack.enter_context(_spool(job.run))
        source, labels = job.recipe.source, None
        earlier = frozenset(done)  # of this run's own, one that comes again is to be told
        if source.labels is not None:
            labels = stack.enter_context(LabelArchive(source.labels))
        if source.kind == "ssl4eo":
            nearest = source.resampling == "nearest"
            found = ssl4eo_locations(source.images, labels, earlier, spool, nearest=nearest)
        else:
            found = ssl4eo_zarr_locations(source.images, labels, earlier, offset=source.offset_dn)
        batch: list[Imported] = []
        for item in found:
            if isinstance(item, Imported):
                batch.append(item)
                done.add(item.location.location_id)
            else:
                problems.append(item)
                if len(problems) <= NOTED:
                    note(problem_line(item))
            if len(batch) == job.recipe.part_locations:
                yield batch
                batch = []
        absent = sorted(labels.ids() - done - {p.location_id for p in problems}) if labels is not None else []
        problems += [Problem(str(source.labels), i, NO_IMAGES, "it has labels, but no images") for i in absent]
        if batch:
            yield batch


@contextmanager
def _spool(run: RunLayout) -> Iterator[Path]:
    """A folder for what waits for its partner, gone with the import; beside the parts where they are on a disk."""
    tiles = run.tile(0).parent
    make_folder(tiles)
    with TemporaryDirectory(prefix=".import.tmp-", dir=tiles if is_local(tiles) else None) as folder:
        yield Path(folder)


def _require_all(job: ImportJob, there: dict[int, int], problems: Sequence[Problem]) -> None:
    if not there:
        first = next((problem_line(problem) for problem in problems if problem.reason != NO_IMAGES), "")
        why = f"the first reason: {first}" if first else f"expected {LAYOUTS[job.recipe.source.kind]}"
        raise NoldoError(f"none of the files holds a location that can be imported; {why}")
    if max(there) != len(there) - 1:
        root = job.run.root
        raise NoldoError(f"the files no longer hold all that was imported into {root}; import into another --out")


def problem_line(problem: Problem) -> str:
    """One plain line."""
    what = f"{problem.location_id}: " if problem.location_id else ""
    where = "" if problem.where in problem.detail else f" ({problem.where})"
    return f"{what}{problem.reason}: {problem.detail}{where}"


def _counted(problems: Sequence[Problem]) -> Iterator[str]:
    """How many more there were than have been told."""
    counts = Counter(problem.reason for problem in problems[NOTED:])
    for reason, count in commonest_first(counts):
        yield f"{count} more: {reason}; tables/import/part-00000.parquet names them"
