"""`noldo bench scale`: every stage but the pixels at several sizes, each in a fresh process, held against a line."""

import math
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path
from typing import Final

from benchmarks.hardware import this_machine
from benchmarks.result import BenchmarkResult, Figure
from benchmarks.scale_run import ScaleRun, run_size
from pipeline.recipe import Recipe

SIZES: Final = (25_000, 100_000, 251_079)
"""Locations, by default."""

LINEAR: Final = 1.2
"""Goal: the cost of one more location, at the largest sizes, is at most this many times that at the smallest."""


def bench_scale(
    sizes: Sequence[int], workers: int = 2, folder: Path | None = None, tell: Callable[[str], None] = print
) -> BenchmarkResult:
    """Run every size, smallest first; the run directories lie under `folder` and are removed.

    Raises ValueError without a size. `tell` hears of each size as it ends. What grows linearly has a
    `cost of a further location` that stays the same; see `growth`.
    """
    if not sizes:
        raise ValueError("a benchmark of scale needs at least one size")
    hardware = this_machine()
    runs: list[ScaleRun] = []
    for count in sorted(set(sizes)):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as fresh:
            runs.append(fresh.submit(run_size, count, workers, folder).result())
        tell(f"{count} locations: {sum(runs[-1].seconds.values()):.1f} s")
    settings = {
        "sizes": ", ".join(str(run.locations) for run in runs),
        "workers": workers,
        "locations a part": Recipe.model_fields["part_locations"].default,
        "source": "scenes out of a hash; pixel requests planned, none sent",
    }
    return BenchmarkResult("scale", date.today(), hardware, settings, tuple(figures(runs)))


def figures(runs: Sequence[ScaleRun]) -> Iterator[Figure]:
    """Seconds by phase, peaks of driver and worker, for every size; then how both grow."""
    for run in runs:
        size = f"{run.locations} locations"
        yield Figure(f"{size}, kept", run.kept)
        for phase, seconds in run.seconds.items():
            yield Figure(f"{size}, {phase}", seconds, "s")
        yield Figure(f"{size}, all", sum(run.seconds.values()), "s")
        yield Figure(f"{size}, peak of the driver", max(run.driver_peak_bytes.values()) / 1e9, "GB")
        yield Figure(f"{size}, peak of a worker", run.worker_peak_bytes / 1e9, "GB")
    if len(runs) < 3:
        return
    counts = [run.locations for run in runs]
    times = [sum(run.seconds.values()) for run in runs]
    memory = [float(max(run.driver_peak_bytes.values())) for run in runs]
    yield Figure("time of a further location, last to first", growth(counts, times), at_most=LINEAR)
    yield Figure("memory of a further location, last to first", growth(counts, memory), at_most=LINEAR)


def growth(counts: Sequence[int], costs: Sequence[float]) -> float:
    """Slope between the last two sizes over the slope between the first two: 1 for a line, whatever it starts from.

    Raises ValueError for fewer than three sizes.
    """
    if len(counts) < 3:
        raise ValueError(f"growth needs three sizes, got {len(counts)}")
    first = (costs[1] - costs[0]) / (counts[1] - counts[0])
    last = (costs[-1] - costs[-2]) / (counts[-1] - counts[-2])
    if first <= 0:
        return math.inf if last > 0 else 1.0  # nothing to compare with: a goal must not be met by it
    return last / first
