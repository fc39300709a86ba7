"""`noldo bench export`: the real export against an emulator with latency, its limit of slots, and canned pixels.

Scenes are found first, then the pixels are exported, in two calls of the real flow on the same cluster: the
emulator computes its answers on the client's own cores, which the service does not, and finding scenes costs it far
more than handing out canned pixels.
"""

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import requests

from benchmarks.hardware import this_machine
from benchmarks.process_meter import CpuTimes, ProcessMeter, child_processes
from benchmarks.result import BenchmarkResult, Figure
from benchmarks.slots import Reading, Steady, steady_state
from pipeline import flow
from pipeline.cluster.client import THREADS, dask_client
from pipeline.cluster.crew import crew_of
from pipeline.emulator.limits import MAX_CONCURRENT
from pipeline.emulator.process import running_emulator
from pipeline.export import ExportSettings
from pipeline.funnel_step import FunnelStep
from pipeline.ledger import Ledger
from pipeline.recipe import EmulatorSettings, Recipe
from pipeline.sample import SampleSettings
from pipeline.schema.layout import RunLayout
from pipeline.sources.earthengine import emulator_spec
from pipeline.tasks.job import Job

LOOK_S: Final = 0.25
"""Between two readings of the meters, seconds."""

FIND_EVERY_S: Final = 5.0
"""Between two looks for new processes."""

SEED: Final = 7
"""Of the planet and of the sample."""

GOALS: Final = {
    "share of slots busy": {"at_least": 0.95},
    "pixel requests a kept location": {"at_most": 1.05},
    "match requests a location": {"at_most": 0.1},
    "client CPU a location": {"at_most": 60.0},
    "peak memory of a worker": {"at_most": 1.5},
}


@dataclass(frozen=True)
class ExportLoad:
    """What is built."""

    count: int
    """Locations sampled; somewhat less than half of them are kept."""
    workers: int = 2
    latency_s: float = 2.0
    """Of every answer of the emulator."""
    concurrency: int = 12
    """Locations that a part has under way at once."""


@dataclass(frozen=True)
class ExportRun:
    """What was seen of a build."""

    steps: tuple[FunnelStep, ...]
    readings: list[Reading]
    match_counts: dict[str, Any]
    """The emulator's counters while scenes were found."""
    pixel_counts: dict[str, Any]
    driver_peak_bytes: int
    worker_peak_bytes: int
    seconds: float
    """Of the export."""
    judging: CpuTimes
    """The client's, for the four-season filter by pixels, which comes after the export."""


def bench_export(load: ExportLoad, folder: Path | None = None) -> BenchmarkResult:
    """Build up to the export and measure it; what was staged is removed. UsageError where `count` is too small.

    Share of slots busy, locations a second and CPU are those of the steady state (see `slots.steady_state`);
    requests, refusals and peaks those of the whole run. CPU is user and system time of the driver, with Dask's
    scheduler and this meter in it, and of the workers, not the emulator's: all from the planned request to the staged
    file. The filter by pixels, which a build runs between exports, is run after them and told by itself. The staged
    pixels, 8 MB a kept location, lie in a folder under `folder`.
    """
    hardware = this_machine()
    with tempfile.TemporaryDirectory(prefix="noldo-bench-", dir=folder) as work:
        run = _build(load, Path(work))
    steady = steady_state(run.readings, MAX_CONCURRENT)
    return BenchmarkResult("export", date.today(), hardware, _settings(load), figures(run, steady))


def _build(load: ExportLoad, work: Path) -> ExportRun:
    recipe, layout = recipe_of(load), RunLayout(work)
    before = child_processes()
    with running_emulator(SEED, "", load.latency_s, None, canned=True, log=work / "emulator.log") as url:
        meter = ProcessMeter(set(child_processes()) - set(before), FIND_EVERY_S)
        with (
            dask_client(load.workers, None) as client,
            crew_of(client, str(work), recipe.source.pace, {}, None) as crew,
        ):
            job = Job(layout, recipe, emulator_spec(url), None, crew.link)
            flow.build(job, crew, Ledger(layout.events, lambda _: None), until="seasons")
            match_counts = _emulator(url, "counts")
            _emulator(url, "reset")
            started = time.monotonic()
            with _watched(url, meter) as readings:
                steps = flow.build(job, crew, Ledger(layout.events, lambda _: None), until="export")
            seconds = time.monotonic() - started
            pixel_counts, exported = _emulator(url, "counts"), meter.look()
            flow.build(job, crew, Ledger(layout.events, lambda _: None), until="quality")
            judged = meter.look()
        return ExportRun(
            steps=steps,
            readings=readings,
            match_counts=match_counts,
            pixel_counts=pixel_counts,
            driver_peak_bytes=meter.own_peak_bytes,
            worker_peak_bytes=max(meter.child_peaks_bytes),
            seconds=seconds,
            judging=CpuTimes(judged.user_s - exported.user_s, judged.system_s - exported.system_s),
        )


def recipe_of(load: ExportLoad) -> Recipe:
    """What is built: the defaults, but for the source and the load."""
    return Recipe(
        sample=SampleSettings(count=load.count, seed=SEED),
        source=EmulatorSettings(seed=SEED, latency_s=load.latency_s, canned=True),
        export=ExportSettings(concurrency=load.concurrency),
    )


@contextmanager
def _watched(url: str, meter: ProcessMeter) -> Iterator[list[Reading]]:
    """Read the meters every LOOK_S, in a thread, until the context ends; the list fills meanwhile."""
    readings: list[Reading] = []
    ended = threading.Event()

    def watch() -> None:
        with _session() as session:
            while not ended.wait(LOOK_S):
                readings.append(reading_of(_emulator(url, "counts", session), meter.look()))

    thread = threading.Thread(target=watch, name="meters", daemon=True)
    thread.start()
    try:
        yield readings
    finally:
        ended.set()
        thread.join()


def reading_of(counts: dict[str, Any], client_cpu: CpuTimes) -> Reading:
    """The emulator's counters and the client's CPU time as one reading."""
    return Reading(
        clock_s=counts["monotonic_s"],
        busy_slot_s=sum(counts["busy_slot_seconds"].values()),
        answered=counts["statuses"].get("200", 0),
        client_cpu=client_cpu,
    )


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # a proxy cannot reach this machine's own ports
    return session


def _emulator(url: str, what: str, session: requests.Session | None = None) -> dict[str, Any]:
    """The emulator's counters, or their reset."""
    method = "POST" if what == "reset" else "GET"
    with nullcontext(session) if session else _session() as asked:
        answer: dict[str, Any] = asked.request(method, f"{url}/diagnostics/{what}", timeout=60).json()
        return answer


def figures(run: ExportRun, steady: Steady) -> tuple[Figure, ...]:
    """Everything that is reported, the goals' first."""
    sampled, kept = run.steps[0].kept, run.steps[2].entered
    found = {
        "share of slots busy": (steady.busy_share, ""),
        "pixel requests a kept location": (_computed(run.pixel_counts) / kept, ""),
        "match requests a location": (_computed(run.match_counts) / sampled, ""),
        "client CPU a location": (steady.user_cpu_ms + steady.system_cpu_ms, "ms"),
        "peak memory of a worker": (run.worker_peak_bytes / 1e9, "GB"),
        "peak memory of the driver": (run.driver_peak_bytes / 1e9, "GB"),
        "  in its own code": (steady.user_cpu_ms, "ms"),
        "  in the kernel": (steady.system_cpu_ms, "ms"),
        "filter by pixels, CPU a location": (run.judging.total_s / kept * 1000, "ms"),
        "locations a second": (steady.answered_per_s, ""),
        "steady state": (steady.seconds, "s"),
        "whole export": (run.seconds, "s"),
        "locations sampled": (sampled, ""),
        "locations kept": (kept, ""),
        "locations staged": (run.steps[2].kept, ""),
        "refusals (429)": (run.pixel_counts["statuses"].get("429", 0), ""),
        "most requests in flight": (run.pixel_counts["peak_concurrency"], ""),
    }
    return tuple(Figure(name, value, unit, **GOALS.get(name, {})) for name, (value, unit) in found.items())


def _computed(counts: dict[str, Any]) -> int:
    """Compute requests, those that were refused or failed included; discovery and the like are none."""
    return sum(number for endpoint, number in counts["requests"].items() if ":" in endpoint)


def _settings(load: ExportLoad) -> dict[str, Any]:
    return {
        "latency_s": load.latency_s,
        "slots": MAX_CONCURRENT,
        "workers": load.workers,
        "threads a worker": THREADS,
        "locations at once a part": load.concurrency,
        "locations a part": Recipe.model_fields["part_locations"].default,
        "source": "emulator, canned pixels, locations of the seeded sample",
    }
