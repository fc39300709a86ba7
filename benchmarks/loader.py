"""`noldo bench loader`: locations read a second, ours beside others on the same data, in one run.

Each reader has a process of its own, pinned to one core. It reads all locations once a round, the readers take turns,
and the median of the rounds counts, so that what else the machine does falls on all of them alike. The page cache is
warm: a reader reads everything once more at the beginning of its turn.
"""

import os
import re
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from benchmarks.hardware import this_machine
from benchmarks.loader_readers import BATCH, READERS, missing_peers, time_reader
from benchmarks.loader_store import SHARD_ROWS, write_mds, write_season_tars, write_store, write_tars
from benchmarks.pinned import pinned_process
from benchmarks.result import BenchmarkResult, Figure
from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PATCH_PX

ONE: Final = "ours, 1 thread"
TWO: Final = "ours, 2 threads"

GOAL: Final = 2500.0
"""Locations/s of ours on one core."""

AT_LEAST: Final = {"bare decode": 0.5, "MosaicML streaming": 2.5, "WebDataset": 10.0, "zarr-python": 10.0}
"""Goals: ours on one core is at least so many times as fast as these."""

TWO_TO_ONE: Final = 1.7
"""Goal: two threads on two cores are at least so many times as fast as one on one."""

CPU_SPENT: Final = "locations a CPU second"

WRITERS: Final = {"WebDataset": (write_tars, write_season_tars), "MosaicML streaming": (write_mds,)}
"""What writes the files that a library reads."""

DISTRIBUTIONS: Final = {"WebDataset": "webdataset", "MosaicML streaming": "mosaicml-streaming"}


AUTOGROUP: Final = Path("/proc/self/autogroup")


@dataclass(frozen=True)
class LoaderLoad:
    """What is read."""

    locations: int = 256
    rounds: int = 7
    """That count."""
    px: int = PATCH_PX
    compressible: bool = False
    """Whether lz4 has something to do with the images: slower to decode, as real ones are."""


@dataclass(frozen=True)
class Round:
    """One reader's reading of every location."""

    wall_s: float
    cpu_s: float
    """Of the reader's process, all its threads."""
    locations: int


def bench_loader(
    load: LoaderLoad = LoaderLoad(), folder: Path | None = None, tell: Callable[[str], None] = print
) -> BenchmarkResult:
    """Write the data under `folder`, have every reader that is installed read it on one core, and ours on two.

    `tell` hears of each step. UsageError where the system has fewer than two cores for this process, or cannot pin.
    """
    hardware = this_machine()
    absent = missing_peers()
    for name in absent:
        tell(f"{name} is left out: it is not installed (docs/how-to/pretraining.md, 'Benchmarks')")
    names = [name for name in READERS if not name.startswith(tuple(absent))]
    with tempfile.TemporaryDirectory(prefix="noldo-loader-", dir=folder) as work:
        tell(f"writing {load.locations} locations")
        write_store(Path(work), load.locations, load.px, compressible=load.compressible)
        for write in (write for name in WRITERS if name not in absent for write in WRITERS[name]):
            write(Path(work))
        rounds = measure(names, Path(work), load.rounds, tell)
    settings = {
        "locations": load.locations,
        "patch": f"{load.px} px",
        "batch": BATCH,
        "shard": f"{SHARD_ROWS} locations",
        "rounds": load.rounds,
        "codec": f"lz4, which makes {0.91 if load.compressible else 1} of the S2 images; labels lz4hc",
        "read of a location": "one season of S1 and S2, four label maps; page cache warm",
        "cores": "one, but 'ours, 2 threads' two",
        **({"left out": ", ".join(absent)} if absent else {}),
        "priority": priority(),
        **versions(absent),
    }
    return BenchmarkResult("loader", date.today(), hardware, settings, tuple(figures(rounds)))


def measure(names: Sequence[str], folder: Path, count: int, tell: Callable[[str], None]) -> dict[str, list[Round]]:
    """The rounds of every reader, the readers taking turns; a round comes first and is dropped.

    No two share a process, so that none finds memory that another had from the system.
    """
    cores = two_cores()
    rounds: dict[str, list[Round]] = {name: [] for name in names}
    with ExitStack() as stack:
        processes = {n: stack.enter_context(pinned_process(cores if n == TWO else cores[:1])) for n in names}
        for number in range(count + 1):
            for name, process in processes.items():
                rounds[name].append(Round(*process.submit(time_reader, name, folder).result()))
            tell(f"round {number} of {count}")
    return {name: found[1:] for name, found in rounds.items()}


def two_cores() -> tuple[int, int]:
    """Two cores that this process may use."""
    mine = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(mine) < 2:
        raise UsageError("this benchmark needs Linux and two cores that this process may use")
    return mine[0], mine[1]


def figures(rounds: Mapping[str, Sequence[Round]]) -> Iterator[Figure]:
    """Locations/s by the wall clock, ours against each, then what a CPU second read; medians of the rounds."""
    speed = {name: statistics.median(r.locations / r.wall_s for r in found) for name, found in rounds.items()}
    for name, value in speed.items():
        yield Figure(name, value, "locations/s", at_least=GOAL if name == ONE else None)
    for name in speed:
        if name not in (ONE, TWO):
            yield Figure(f"{ONE} to {name}", paired(rounds[ONE], rounds[name]), at_least=AT_LEAST.get(name))
    yield Figure(f"{TWO} to 1 thread", paired(rounds[TWO], rounds[ONE]), at_least=TWO_TO_ONE)
    for name, found in rounds.items():
        yield Figure(f"{name}: {CPU_SPENT}", statistics.median(r.locations / r.cpu_s for r in found))


def paired(ours: Sequence[Round], theirs: Sequence[Round]) -> float:
    """Median over the rounds of how many times as fast ours was in the same round."""
    pairs = zip(ours, theirs, strict=True)
    return statistics.median((a.locations / a.wall_s) / (b.locations / b.wall_s) for a, b in pairs)


def priority() -> str:
    """Niceness of this process, and of its group where Linux schedules processes in groups (sched(7), autogroup)."""
    try:
        group = re.search(r"nice (-?\d+)", AUTOGROUP.read_text())
    except OSError:
        group = None
    return f"nice {os.nice(0)}" + (f", scheduler group nice {group[1]}" if group else "")


def versions(absent: Sequence[str]) -> dict[str, Any]:
    """The version of everything that was compared."""
    packages = [
        "tensorstore",
        "zarr",
        "numba",
        "numcodecs",
        *(DISTRIBUTIONS[name] for name in DISTRIBUTIONS if name not in absent),
    ]
    return {package: metadata.version(package) for package in packages}
