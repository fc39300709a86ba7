"""`noldo bench manifest`: the manifest of a large data set, written from its tables in a process of its own."""

import multiprocessing
import tempfile
import time
from collections.abc import Callable
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

KEPT_SHARE: Final = 103_793 / 251_079
"""Of SSL4EO-S12's places, those of SSL4EO-S12@NoL: had four labelled seasons (arXiv 2405.01217, section III)."""

GOAL_ROWS: Final = 400_000
GOAL_S: Final = 180.0
GOAL_GB: Final = 2.0
"""At most so long and so much memory for so many rows of the index, or fewer."""


@dataclass(frozen=True)
class ManifestRun:
    """What writing one manifest took."""

    seconds: float
    peak_bytes: int
    """Most memory of the process, interpreter and libraries in it."""
    manifest_bytes: int


def bench_manifest(
    locations: int,
    sampled: int | None = None,
    folder: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> BenchmarkResult:
    """Make up the tables of so many kept locations and write their manifest once; `tell` hears how far it is.

    `sampled` are the locations that the build began with, by default as many as SSL4EO-S12@NoL needed; ValueError
    where they are fewer than those kept. The store has no shard files: hashing theirs takes as long as reading them.
    """
    sampled = round(locations / KEPT_SHARE) if sampled is None else sampled
    if sampled < locations:
        raise ValueError(f"{locations} locations cannot be kept of {sampled}")
    hardware = this_machine()
    with tempfile.TemporaryDirectory(prefix="noldo-bench-", dir=folder) as work:
        tell(f"makes up the tables of {sampled:,} locations")
        make_run(Path(work), locations, sampled)
        tell("writes the manifest")
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as fresh:
            found = fresh.submit(write_measured, Path(work)).result()
    rows = locations * N_SEASONS
    goals = rows <= GOAL_ROWS
    settings = {
        "index rows": rows,
        "locations kept": locations,
        "locations sampled": sampled,
        "store": "metadata and digests, no shard files",
    }
    figures = (
        Figure("time", found.seconds, "s", at_most=GOAL_S if goals else None),
        Figure("peak memory", found.peak_bytes / 1e9, "GB", at_most=GOAL_GB if goals else None),
        Figure("time a thousand rows", found.seconds / rows * 1e6, "ms"),
        Figure("manifest", found.manifest_bytes / 1e6, "MB"),
    )
    return BenchmarkResult("manifest", date.today(), hardware, settings, figures)


def write_measured(root: Path) -> ManifestRun:
    """Write the manifest of the run at `root`; for the peak to be its own, call it in a fresh process."""
    run, meter = RunLayout(root), ProcessMeter()
    started = time.monotonic()
    write_manifest(run)
    seconds = time.monotonic() - started
    meter.look()
    size = sum(path.stat().st_size for path in run.manifest.iterdir())
    return ManifestRun(seconds, meter.own_peak_bytes, size)
