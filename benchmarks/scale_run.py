"""One size of `noldo bench scale`: the flow over so many locations, phase by phase, in a process of its own."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.process_meter import ProcessMeter
from benchmarks.synthetic import STUBS, pack_stub
from pipeline import flow
from pipeline.building import run_parts
from pipeline.cluster.client import dask_client
from pipeline.cluster.crew import Chain, Crew, crew_of
from pipeline.ledger import Ledger, Outcome
from pipeline.pack import n_shards, shard_rows, store_order
from pipeline.plan import Assumptions, estimate
from pipeline.recipe import EmulatorSettings, Recipe
from pipeline.run_state import kept_tiles, read_funnel
from pipeline.sample import SampleSettings
from pipeline.schema.layout import RunLayout
from pipeline.schema.records import StoreRow
from pipeline.sources.earthengine import emulator_spec
from pipeline.tasks.job import Job

SEED: Final = 1


@dataclass(frozen=True)
class ScaleRun:
    """What one size took."""

    locations: int
    kept: int
    seconds: dict[str, float]
    """By phase, in order."""
    driver_peak_bytes: dict[str, int]
    """By phase: the most that the driver, with Dask's scheduler in it, had held by its end."""
    worker_peak_bytes: int
    """Of the largest worker."""


@dataclass
class _Clock:
    """Takes the time of phases, and looks at the processes after each."""

    meter: ProcessMeter
    seconds: dict[str, float] = field(default_factory=dict)
    peaks: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """What is done in the context counts as this phase."""
        started = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - started
        self.meter.look()
        self.peaks[name] = self.meter.own_peak_bytes


def run_size(count: int, workers: int, folder: Path | None) -> ScaleRun:
    """Take `count` locations through every stage but the pixels; the run directory, under `folder`, goes at the end.

    For the peaks to be its own, call it in a fresh process.
    """
    clock = _Clock(ProcessMeter())
    with tempfile.TemporaryDirectory(prefix="noldo-bench-", dir=folder) as work:
        recipe = Recipe(sample=SampleSettings(count=count, seed=SEED), source=EmulatorSettings())
        run = RunLayout(Path(work))
        with (
            dask_client(workers, None) as client,
            crew_of(client, work, recipe.source.pace, {}, None) as crew,
        ):
            job = Job(run, recipe, emulator_spec("http://127.0.0.1:9"), None, crew.link)
            kept = _phases(job, crew, clock)
    return ScaleRun(count, kept, clock.seconds, clock.peaks, max(clock.meter.child_peaks_bytes))


def _phases(job: Job, crew: Crew, clock: _Clock) -> int:
    """All phases in the order of a build; the number of locations kept."""
    ledger = Ledger(job.run.events, lambda _: None)
    with clock.phase("plan"):
        estimate(job.recipe, Assumptions())
    with clock.phase("sample"):
        parts = flow.sample_parts(job, ledger)
    with clock.phase("graph"):
        judged = run_parts(job, crew, ledger, parts, STUBS)
    with clock.phase("graph again, all done"):
        run_parts(job, crew, ledger, parts, STUBS)
    with clock.phase("store order"):
        rows = store_order(kept_tiles(job.run, len(judged)), job.recipe.store.seed)
    with clock.phase("shards"):
        _shards(job, crew, ledger, rows)
    with clock.phase("funnel"):
        read_funnel(job.run, len(parts), ("seasons", "export", "quality"))
    return len(rows)


def _shards(job: Job, crew: Crew, ledger: Ledger, rows: list[StoreRow]) -> None:
    """The graph of the packing, as in flow.pack, with tasks that write nothing."""
    settings = job.recipe.store
    ledger.begin("pack", len(rows))
    chains = (
        Chain[Outcome](f"{shard:05d}", {"pack": partial(pack_stub, job, shard, shard_rows(rows, shard, settings))}, "")
        for shard in range(n_shards(len(rows), settings))
    )
    for outcome in crew.run(chains, ledger.record_attempt):
        ledger.record(outcome)
