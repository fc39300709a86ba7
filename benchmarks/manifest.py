"""`noldo bench manifest`: the manifest of a large data set, written from its tables in a process of its own."""

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from benchmarks.hardware import this_machine
from benchmarks.manifest_tables import make_run
from benchmarks.process_meter import ProcessMeter
from benchmarks.result import BenchmarkResult, Figure
from pipeline.manifest.write import write_manifest
from pipeline.schema.layout import RunLayout
from pipeline.schema.records import N_SEASONS

SIZES: Final = (100_000,)
"""Locations kept, by default."""

PLACES: Final = 251_079
KEPT_SHARE: Final = 103_793 / PLACES
"""SSL4EO-S12's places, and the share of them of which SSL4EO-S12@NoL has four labelled seasons."""

GOAL_ROWS: Final = 400_000
GOAL_S: Final = 180.0
GOAL_GB: Final = 2.0
"""At most so long and so much memory for so many rows of the index, or fewer."""


@dataclass(frozen=True)
class ManifestRun:
    """What writing one manifest took."""

    locations: int
    seconds: float
    cpu_s: float
    peak_bytes: int
    """Most memory of the process, interpreter and libraries in it."""
    manifest_bytes: int

    @property
    def rows(self) -> int:
        """Of the index."""
        return self.locations * N_SEASONS


def bench_manifest(
    sizes: Sequence[int], folder: Path | None = None, tell: Callable[[str], None] = lambda _: None
) -> BenchmarkResult:
    """Make up the tables of so many kept locations, and write their manifest; `tell` hears how far it is.

    The stores have no shard files: hashing theirs takes as long as reading them. Raises ValueError without a size.
    """
    if not sizes:
        raise ValueError("a benchmark of manifests needs at least one size")
    hardware, runs = this_machine(), []
    for locations in sorted(set(sizes)):
        with tempfile.TemporaryDirectory(prefix="noldo-bench-", dir=folder) as work:
            tell(f"makes up the tables of {sampled(locations):,} locations, {locations:,} of them kept")
            make_run(Path(work), locations, sampled(locations))
            tell("writes their manifest")
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as fresh:
                runs.append(fresh.submit(write_measured, Path(work), locations).result())
    settings = {
        "locations kept": ", ".join(str(run.locations) for run in runs),
        "locations sampled": ", ".join(str(sampled(run.locations)) for run in runs),
        "store": "metadata and digests, no shard files",
    }
    return BenchmarkResult("manifest", date.today(), hardware, settings, tuple(figures(runs)))


def sampled(locations: int) -> int:
    """How many a build begins with to keep so many: as SSL4EO-S12@NoL did, but no more than there are places."""
    return max(locations, min(round(locations / KEPT_SHARE), PLACES))


def figures(runs: Sequence[ManifestRun]) -> Iterator[Figure]:
    """Time, memory and size for every size."""
    for run in runs:
        goals, size = run.rows <= GOAL_ROWS, f"{run.rows} rows"
        yield Figure(f"{size}, time", run.seconds, "s", at_most=GOAL_S if goals else None)
        yield Figure(f"{size}, CPU time", run.cpu_s, "s")
        yield Figure(f"{size}, peak memory", run.peak_bytes / 1e9, "GB", at_most=GOAL_GB if goals else None)
        yield Figure(f"{size}, manifest", run.manifest_bytes / 1e6, "MB")


def write_measured(root: Path, locations: int) -> ManifestRun:
    """Write the manifest of the run at `root`; for the peak to be its own, call it in a fresh process."""
    run, meter = RunLayout(root), ProcessMeter()
    started, before = time.monotonic(), meter.look().total_s
    write_manifest(run)
    seconds, cpu_s = time.monotonic() - started, meter.look().total_s - before
    size = sum(path.stat().st_size for path in run.manifest.iterdir())
    return ManifestRun(locations, seconds, cpu_s, meter.own_peak_bytes, size)
