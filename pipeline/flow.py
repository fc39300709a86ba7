"""The whole pipeline on one screen: sample, match, seasons, export, quality, pack, manifest, joined by Dask."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import dask.system
from distributed import Client, Future, KilledWorker, LocalCluster, as_completed

from pipeline.funnel import FunnelStep
from pipeline.ledger import Ledger, Outcome
from pipeline.manifest.write import manifest_inputs, write_manifest
from pipeline.pack import commit_store, create_store, n_shards, shard_rows, store_inputs, store_order
from pipeline.parts import part_inputs, read_part, write_part
from pipeline.recipe import canonical_digest
from pipeline.run_directory import prune_parts
from pipeline.run_state import described_by, kept_tiles, read_all, read_funnel, sample_inputs, shards_complete
from pipeline.sample import sample
from pipeline.schema.errors import FailureKind, NoldoError, UsageError
from pipeline.schema.records import Location, QualityRecord, SeasonMatch, ShardRecord, StoreRow
from pipeline.tasks.export import export_task
from pipeline.tasks.job import Job
from pipeline.tasks.metadata import match_task, seasons_task
from pipeline.tasks.pack import pack_task
from pipeline.tasks.quality import quality_task

STAGES = ("sample", "match", "seasons", "export", "quality", "pack", "manifest")
"""In order; a build can stop after any of them."""

PART_TASKS = {
    "match": match_task,
    "seasons": seasons_task,
    "export": export_task,
    "quality": quality_task,
}
"""Stages that turn one part into one part, each part by itself."""

LEAVE_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
"""Run in every local worker: a terminal's Ctrl-C reaches all processes, but the driver alone ends the others."""


def build(job: Job, client: Client, ledger: Ledger, until: str = STAGES[-1]) -> tuple[FunnelStep, ...]:
    """Bring a run directory up to stage `until`, doing only what is not done; returns the funnel so far.

    Raises NoldoError where locations are still to be had: running the same build again goes on with them.
    """
    wanted = STAGES[: STAGES.index(until) + 1]
    sampled = sample_parts(job, ledger)
    outcomes = run_parts(job, client, ledger, sampled, [stage for stage in PART_TASKS if stage in wanted])
    require_complete(ledger)
    if "pack" in wanted:
        rows, inputs = pack(job, client, ledger, outcomes)
        if "manifest" in wanted:
            describe(job, ledger, rows, inputs, parts=len(sampled))
    return read_funnel(job.run, len(sampled), wanted)


def sample_parts(job: Job, ledger: Ledger) -> list[Outcome]:
    """Sample the locations and commit them in parts; the first stage, on the driver."""
    size = job.recipe.part_locations
    base = sample_inputs(job.recipe, job.list_digest)
    locations = sample(job.recipe.sample)
    ledger.begin("sample", len(locations))
    outcomes = []
    for part, start in enumerate(range(0, len(locations), size)):
        chunk, inputs = locations[start : start + size], canonical_digest([base, part])
        path = job.run.table("sample", part)
        made = part_inputs(path) != inputs
        if made:
            write_part(path, Location, chunk, inputs)
        outcomes.append(Outcome("sample", part, inputs, len(chunk), made))
        ledger.record(outcomes[-1])
    prune_parts(job.run, ("sample", *PART_TASKS), len(outcomes))
    return outcomes


def run_parts(
    job: Job, client: Client, ledger: Ledger, parts: Sequence[Outcome], stages: Sequence[str]
) -> list[Outcome]:
    """Run every part through its stages; each goes its own way. Returns the last stage's outcomes, by part."""
    for stage in stages:
        ledger.begin(stage, sum(part.locations for part in parts))
    shared = client.scatter(job, broadcast=True)
    pending: list[Future[Outcome]] = []
    for part in parts:
        before: Outcome | Future[Outcome] = part
        for depth, stage in enumerate(stages):
            before = client.submit(PART_TASKS[stage], shared, before, pure=False, priority=depth)
            pending.append(before)
    outcomes = _collect(pending, ledger)
    return sorted((o for o in outcomes if o.stage == stages[-1]), key=lambda o: o.part) if stages else []


def pack(job: Job, client: Client, ledger: Ledger, quality: Sequence[Outcome]) -> tuple[list[StoreRow], str]:
    """Write the kept locations into the store, one task a shard; returns its rows and its inputs digest."""
    settings = job.recipe.store
    inputs = canonical_digest(["store", settings.model_dump(mode="json"), [o.inputs for o in quality]])
    rows = store_order(kept_tiles(job.run, len(quality)), settings.seed)
    if not rows:
        raise NoldoError("no location passed the filters, so there is no store to write; sample more of them")
    ledger.begin("pack", len(rows))
    final = job.run.store(job.recipe.name)
    if store_inputs(final) == inputs and shards_complete(job.run, final, len(rows), settings):
        ledger.record(Outcome("pack", 0, inputs, len(rows), made=False))
        return rows, inputs
    building = create_store(final, len(rows), settings, inputs)
    shared = client.scatter(job, broadcast=True)
    shards = range(n_shards(len(rows), settings))
    _collect(
        [
            client.submit(pack_task, shared, building, s, shard_rows(rows, s, settings), inputs, pure=False)
            for s in shards
        ],
        ledger,
    )
    prune_parts(job.run, ("pack",), len(shards))
    commit_store(building, final, [read_part(job.run.table("pack", s), ShardRecord)[0] for s in shards])
    return rows, inputs


def describe(job: Job, ledger: Ledger, rows: Sequence[StoreRow], inputs: str, *, parts: int) -> None:
    """Write the manifest of a finished store, unless it is there already."""
    ledger.begin("manifest", len(rows))
    recipe = job.recipe
    described = described_by(inputs, recipe, job.list_digest)
    made = manifest_inputs(job.run) != described or not job.run.index.exists()
    if made:
        write_manifest(
            job.run,
            recipe.name,
            rows,
            locations=read_all(job.run, "sample", parts, Location),
            matches=read_all(job.run, "match", parts, SeasonMatch),
            quality=read_all(job.run, "quality", parts, QualityRecord),
            shards=read_all(job.run, "pack", n_shards(len(rows), recipe.store), ShardRecord),
            provenance={
                "inputs": described,
                "recipe": recipe.published(),
                "recipe_digest": recipe.digest(job.list_digest),
            },
        )
    ledger.record(Outcome("manifest", 0, described, len(rows), made))


def require_complete(ledger: Ledger) -> None:
    """Raise NoldoError where locations failed in this run; only what is empty may be left out."""
    if not ledger.failures:
        return
    places = len({failure.location_id for failure in ledger.failures})
    first = ledger.failures[0]
    lasting = all(failure.kind is FailureKind.PERMANENT for failure in ledger.failures)
    advice = "asking again will not help" if lasting else "run the same command again to go on with them"
    raise NoldoError(
        f"{places} locations could not be had ({advice}).\n"
        f"The first, {first.location_id} in stage {first.stage}, {first.kind}: {first.message}"
    )


@contextmanager
def dask_client(workers: int | None, scheduler: str | None) -> Iterator[Client]:
    """A client of the running cluster at `scheduler`, or of a local one of single-threaded worker processes."""
    if scheduler is not None:
        try:
            client = Client(scheduler, timeout=10)
        except (OSError, ValueError) as error:
            raise UsageError(f"no Dask scheduler answers at {scheduler}; start one with 'dask scheduler'") from error
        with client:
            yield client
        return
    cluster = LocalCluster(
        n_workers=workers or dask.system.CPU_COUNT,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,  # a task's error is raised here and told once
        preload=[LEAVE_CTRL_C],
    )
    with cluster, Client(cluster) as client:
        yield client


def _collect(futures: Sequence[Future[Outcome]], ledger: Ledger) -> list[Outcome]:
    """Wait for tasks as they end, writing down each outcome; a task's error is raised here."""
    outcomes: list[Outcome] = []
    try:
        for _, outcome in as_completed(futures, with_results=True):
            ledger.record(outcome)
            outcomes.append(outcome)
    except KilledWorker as error:
        raise NoldoError(
            "a worker process died several times over the same part, perhaps for want of memory; "
            "run the same command again, with fewer --workers"
        ) from error
    return outcomes
