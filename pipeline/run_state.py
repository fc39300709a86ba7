"""What a run directory holds already, read back."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pipeline.funnel import funnel
from pipeline.funnel_step import FunnelStep
from pipeline.manifest.write import is_written
from pipeline.pack import StoreSettings, missing_shards, n_shards, store_inputs
from pipeline.parts import part_inputs, part_rows, read_part
from pipeline.recipe import Recipe, canonical_digest
from pipeline.sample import FILE_KEYS, listed_files
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath
from pipeline.schema.records import ExportRecord, Lack

Record = TypeVar("Record")


@dataclass(frozen=True)
class Passed:
    """Of a QualityRecord, as much as packing needs: reading it whole takes twenty times as long."""

    location_id: str
    kept: bool


@dataclass(frozen=True)
class Judgement:
    """Of a Verdict or a QualityRecord, as much as the funnel counts."""

    kept: bool
    reason: str
    lacking: tuple[Lack, ...]


def read_all(run: RunLayout, stage: str, parts: int, record: type[Record]) -> list[Record]:
    """A stage's records of all parts, in order."""
    return list(_each(run, stage, parts, record))


def kept_tiles(run: RunLayout, parts: int) -> list[tuple[str, int, int]]:
    """(location id, part, row in the part's tiles) of every location that passed all filters."""
    kept: list[tuple[str, int, int]] = []
    for part in range(parts):
        good = {q.location_id for q in read_part(run.table("quality", part), Passed) if q.kept}
        exported = read_part(run.table("export", part), ExportRecord)
        kept += [(r.location_id, part, r.tile_row) for r in exported if r.location_id in good]
    return kept


def read_funnel(run: RunLayout, parts: int, stages: tuple[str, ...]) -> tuple[FunnelStep, ...]:
    """The funnel of the stages that have been run."""
    sampled = sum(part_rows(run.table("sample", part)) for part in range(parts))
    seasons = _each(run, "seasons", parts if "seasons" in stages else 0, Judgement)
    exported = _each(run, "export", parts if "export" in stages else 0, ExportRecord)
    quality = _each(run, "quality", parts if "quality" in stages else 0, Judgement)
    return funnel(sampled, seasons, exported, quality)


def _each(run: RunLayout, stage: str, parts: int, record: type[Record]) -> Iterator[Record]:
    """A stage's records of all parts, in order, a part at a time."""
    for part in range(parts):
        yield from read_part(run.table(stage, part), record)


def sample_inputs(recipe: Recipe, listed: str | None) -> str:
    """The digest of what decides the locations and their parts, whatever their number.

    A smaller number gives the first of a larger one, so that a data set that grows keeps what it has.
    """
    settings = recipe.sample.model_dump(mode="json", by_alias=True, exclude={"count", "limit"})
    settings.update(dict.fromkeys(FILE_KEYS))  # their content counts, in `listed`
    return canonical_digest(["sample", settings, listed, recipe.part_locations])


def sample_part_inputs(base: str, part: int, rows: int, size: int) -> str:
    """The inputs digest of a part of the sample; one that is not full carries its rows, as a larger number fills it."""
    digest = canonical_digest([base, part])
    return digest if rows == size else f"{digest}:{rows}"


def is_made_from(inputs: str | None, digest: str) -> bool:
    """Whether a part of the sample has this digest, full or not."""
    return inputs is not None and inputs.partition(":")[0] == digest


def described_by(store_digest: str, recipe: Recipe, listed: str | None) -> str:
    """The digest of what a data set was made from: a store made from `store_digest` by this recipe and list."""
    return canonical_digest(["manifest", store_digest, recipe.digest(listed)])


def shards_complete(run: RunLayout, store: AnyPath, rows: int, settings: StoreSettings) -> bool:
    """Whether every shard of a store is there, with its record."""
    shards = n_shards(rows, settings)
    if missing_shards(store, shards):
        return False
    return all(part_inputs(run.table("pack", shard)) is not None for shard in range(shards))


def finished_funnel(run: RunLayout, recipe: Recipe) -> tuple[FunnelStep, ...] | None:
    """The funnel of a build of this recipe that is wholly there, or None where something is to be done."""
    store, listed = run.store(recipe.name), list_digest(recipe)
    made_from = store_inputs(store)
    if made_from is None or not is_written(run, described_by(made_from, recipe, listed)):
        return None
    parts = len(list(run.table("sample", 0).parent.glob("part-*.parquet")))
    base = sample_inputs(recipe, listed)
    if any(
        not is_made_from(part_inputs(run.table("sample", part)), canonical_digest([base, part]))
        for part in range(parts)
    ):
        return None
    try:
        steps = read_funnel(run, parts, ("seasons", "export", "quality"))
    except NoldoError:
        return None
    return steps if shards_complete(run, store, steps[-1].kept, recipe.store) else None


def list_digest(recipe: Recipe) -> str | None:
    """SHA-256 of the content of the files that the recipe's sample names, or None where it names none."""
    files = listed_files(recipe.sample)
    return canonical_digest({key: _file_digest(key, path) for key, path in files.items()}) if files else None


def _file_digest(key: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"sample.{key}: cannot read {path}: {error.strerror}; correct the path") from error
