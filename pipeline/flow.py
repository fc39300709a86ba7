"""The whole pipeline on one screen: sample, match, seasons, export, quality, pack, manifest, joined by Dask."""

from collections.abc import Callable, Sequence
from functools import partial

from pipeline.building import mended, require_all_had, run_parts
from pipeline.cluster.crew import Chain, Crew
from pipeline.commit import begun_inputs, forget_begun
from pipeline.freed import free_all, require_staged
from pipeline.funnel import nothing_left
from pipeline.funnel_step import FunnelStep
from pipeline.ledger import Ledger, Outcome
from pipeline.manifest.pretraining_manifest import write_pretraining_manifest
from pipeline.manifest.write import is_written
from pipeline.own_statistics import store_scaling
from pipeline.pack import commit_store, create_store, n_shards, shard_rows, store_inputs, store_order
from pipeline.parts import part_inputs, read_part, write_part
from pipeline.recipe import canonical_digest
from pipeline.run_directory import prune_parts, prune_stores
from pipeline.run_state import described_by, kept_tiles, read_funnel, sample_inputs, sample_part_inputs, shards_complete
from pipeline.sample import sample
from pipeline.schema.errors import NoldoError
from pipeline.schema.records import Location, ShardRecord, StoreRow
from pipeline.tasks.export import export_task
from pipeline.tasks.job import Job
from pipeline.tasks.metadata import match_task, seasons_task
from pipeline.tasks.pack import pack_task
from pipeline.tasks.plainly import run_alone
from pipeline.tasks.quality import quality_task

STAGES = ("sample", "match", "seasons", "export", "quality", "pack", "manifest")
"""In order; a build can stop after any of them."""

PartTask = Callable[[Job, Outcome], Outcome]

PART_TASKS: dict[str, PartTask] = {
    "match": match_task,
    "seasons": seasons_task,
    "export": export_task,
    "quality": quality_task,
}
"""Stages that turn one part into one part, each part by itself."""


def build(
    job: Job, crew: Crew, ledger: Ledger, until: str = STAGES[-1], note: Callable[[str], None] = lambda _: None
) -> tuple[FunnelStep, ...]:
    """Bring a run directory up to stage `until`, doing only what is not done; returns the funnel so far.

    A committed file that turns out to be damaged is removed and made again, which `note` is told. Raises
    NoldoError where locations are still to be had: running the same build again goes on with them.
    """
    wanted = STAGES[: STAGES.index(until) + 1]
    return mended(lambda: _build(job, crew, ledger, wanted), ledger, note)


def _build(job: Job, crew: Crew, ledger: Ledger, wanted: Sequence[str]) -> tuple[FunnelStep, ...]:
    sampled = sample_parts(job, ledger)
    tasks = {stage: task for stage, task in PART_TASKS.items() if stage in wanted}
    outcomes = run_parts(job, crew, ledger, sampled, tasks)
    whole = all(outcome.inputs for outcome in outcomes)
    locations = sum(part.locations for part in sampled)
    require_complete(job, ledger, locations, spent=crew.budget_spent, whole=whole)
    if "pack" in wanted:
        rows, inputs = pack(job, crew, ledger, outcomes)
        if "manifest" in wanted:
            describe(job, ledger, rows, inputs, parts=len(sampled))
    return read_funnel(job.run, len(sampled), tuple(wanted))


def sample_parts(job: Job, ledger: Ledger) -> list[Outcome]:
    """Sample the locations and commit them in parts; the first stage, on the driver."""
    size = job.recipe.part_locations
    base = sample_inputs(job.recipe, job.list_digest)
    locations = sample(job.recipe.sample)
    ledger.begin("sample", len(locations))
    outcomes = []
    for part, start in enumerate(range(0, len(locations), size)):
        chunk = locations[start : start + size]
        inputs = sample_part_inputs(base, part, len(chunk), size)
        path = job.run.table("sample", part)
        made = part_inputs(path) != inputs
        if made:
            write_part(path, Location, chunk, inputs)
        outcomes.append(Outcome("sample", part, inputs, len(chunk), made))
        ledger.record(outcomes[-1])
    prune_parts(job.run, ("sample", *PART_TASKS), len(outcomes))
    return outcomes


def pack(job: Job, crew: Crew, ledger: Ledger, quality: Sequence[Outcome]) -> tuple[list[StoreRow], str]:
    """Write the kept locations into the store, one task a shard; returns its rows and its inputs digest."""
    settings = job.recipe.store
    rows = store_order(kept_tiles(job.run, len(quality)), settings.seed)
    if not rows:
        raise NoldoError(nothing_left(read_funnel(job.run, len(quality), tuple(PART_TASKS))))
    scaling = store_scaling(job.run, settings, len(quality))
    inputs = canonical_digest(["store", job.recipe.store_content(), scaling.as_plain(), [o.inputs for o in quality]])
    ledger.begin("pack", len(rows))
    final = job.run.store(job.recipe.name)
    if store_inputs(final) == inputs and shards_complete(job.run, final, len(rows), settings):
        ledger.record(Outcome("pack", 0, inputs, len(rows), made=False))
        _clear_up(job, len(quality))  # killed while it did so, a build goes on with it here
        return rows, inputs
    probabilities = job.recipe.export.dw_probabilities
    if begun_inputs(final) != inputs:
        forget_begun(final)
        require_staged(job.run, rows)  # before a finished store is given up for one that cannot be made
    building = create_store(final, len(rows), settings, inputs, scaling=scaling, probabilities=probabilities)
    shards = range(n_shards(len(rows), settings))
    chains = (Chain(f"{s:05d}", {"pack": partial(run_alone, pack_task, job, building, s, shard)}, inputs)
              for s in shards if (shard := shard_rows(rows, s, settings)))  # fmt: skip
    for outcome in crew.run(chains, ledger.record_attempt):
        ledger.record(outcome)
    prune_parts(job.run, ("pack",), len(shards))
    commit_store(final, [read_part(job.run.table("pack", s), ShardRecord)[0] for s in shards])
    _clear_up(job, len(quality))
    return rows, inputs


def _clear_up(job: Job, parts: int) -> None:
    """Remove stores of another name, and, if the recipe says so, all raw pixels, dropped locations' too."""
    prune_stores(job.run, {job.recipe.name})
    if job.recipe.store.staging == "free":
        free_all(job.run, parts)


def describe(job: Job, ledger: Ledger, rows: Sequence[StoreRow], inputs: str, *, parts: int) -> None:
    """Write the manifest of a finished store, unless it is there already."""
    ledger.begin("manifest", len(rows))
    recipe = job.recipe
    described = described_by(inputs, recipe, job.list_digest)
    made = not is_written(job.run, described)
    if made:
        write_pretraining_manifest(
            job.run,
            recipe.name,
            rows,
            parts=parts,
            shards=n_shards(len(rows), recipe.store),
            funnel=read_funnel(job.run, parts, STAGES),
            provenance={
                "inputs": described,
                "recipe": recipe.published(),
                "recipe_digest": recipe.digest(job.list_digest),
            },
        )
    ledger.record(Outcome("manifest", 0, described, len(rows), made))


def require_complete(job: Job, ledger: Ledger, sampled: int, *, spent: bool, whole: bool = True) -> None:
    """Raise NoldoError where locations of the `sampled` ones are still to be had; only what is empty may be left out.

    Of lasting failures the recipe may allow a share (`export.max_failed_share`), where every part is there: one that
    is not `whole` has no table, and is asked for again whatever refused it. Raises BudgetSpentError where the month's
    budget is `spent`.
    """
    allowed = job.recipe.export.max_failed_share * sampled
    require_all_had(ledger, job.recipe.budget, allowed, spent=spent, whole=whole)
