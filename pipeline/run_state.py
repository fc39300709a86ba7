"""What a run directory holds already, read back."""

import hashlib
from typing import TypeVar

from pipeline.funnel import FunnelStep, funnel
from pipeline.manifest.write import manifest_inputs
from pipeline.pack import store_inputs
from pipeline.parts import read_part
from pipeline.recipe import Recipe, canonical_digest
from pipeline.schema.errors import UsageError
from pipeline.schema.layout import RunLayout
from pipeline.schema.records import ExportRecord, Location, QualityRecord, Verdict

Record = TypeVar("Record")


def read_all(run: RunLayout, stage: str, parts: int, record: type[Record]) -> list[Record]:
    """A stage's records of all parts, in order."""
    return [row for part in range(parts) for row in read_part(run.table(stage, part), record)]


def kept_tiles(run: RunLayout, parts: int) -> list[tuple[str, int, int]]:
    """(location id, part, row in the part's tiles) of every location that passed all filters."""
    kept: list[tuple[str, int, int]] = []
    for part in range(parts):
        good = {q.location_id for q in read_part(run.table("quality", part), QualityRecord) if q.kept}
        exported = read_part(run.table("export", part), ExportRecord)
        kept += [(r.location_id, part, r.tile_row) for r in exported if r.location_id in good]
    return kept


def read_funnel(run: RunLayout, parts: int, stages: tuple[str, ...]) -> tuple[FunnelStep, ...]:
    """The funnel of the stages that have been run."""
    sampled = len(read_all(run, "sample", parts, Location))
    seasons = read_all(run, "seasons", parts, Verdict) if "seasons" in stages else []
    quality = read_all(run, "quality", parts, QualityRecord) if "quality" in stages else []
    return funnel(sampled, seasons, quality)


def described_by(store_digest: str, recipe: Recipe, listed: str | None) -> str:
    """The inputs digest of the manifest of a store made from `store_digest` by this recipe and list."""
    return canonical_digest(["manifest", store_digest, recipe.digest(), listed])


def finished_funnel(run: RunLayout, recipe: Recipe) -> tuple[FunnelStep, ...] | None:
    """The funnel of a build of this recipe that is wholly there, or None where something is to be done."""
    made_from = store_inputs(run.store(recipe.name))
    if made_from is None or manifest_inputs(run) != described_by(made_from, recipe, list_digest(recipe)):
        return None
    parts = len(list(run.table("sample", 0).parent.glob("part-*.parquet")))
    return read_funnel(run, parts, ("seasons", "quality"))


def list_digest(recipe: Recipe) -> str | None:
    """SHA-256 of the list of locations that the recipe names, or None where it names none."""
    path = recipe.sample.from_
    if path is None:
        return None
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(f"sample.from: cannot read {path}: {error.strerror}") from error
