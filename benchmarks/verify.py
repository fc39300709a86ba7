"""`noldo bench verify`: a data set verified beside the mere hashing of its files, in one run.

The parties take turns, first each in its turn, so that what else the machine does falls on all of them alike; the page
cache is warm. All read every published file of the same made-up release and compare its SHA-256 with the list.
"""

import hashlib
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Final

from benchmarks.hardware import this_machine
from benchmarks.loader_store import draw
from benchmarks.manifest_tables import make_run
from benchmarks.result import BenchmarkResult, Figure
from pipeline.manifest.checksums import CHECKSUMS_FILE
from pipeline.manifest.listing import LISTING, parse_listing
from pipeline.manifest.verify.run import verify
from pipeline.manifest.verify.sha256_lanes import LANES, lanes
from pipeline.manifest.write import write_manifest
from pipeline.schema.errors import NoldoError
from pipeline.schema.grid import PATCH_PX
from pipeline.schema.layout import RunLayout

VERIFY: Final = "verify"
HASH: Final = "reading and hashing alone"
SHA256SUM: Final = "sha256sum -c"

GOAL: Final = 0.5
"""Verify is at least so many times as fast as reading and hashing the bytes alone on as many threads."""

Party = Callable[[Path], None]


@dataclass(frozen=True)
class VerifyLoad:
    """What is verified."""

    locations: int = 512
    rounds: int = 7
    """That count."""
    compressible: bool = False
    """Whether lz4 has something to do with the images: slower to decode, as real ones are."""


@dataclass(frozen=True)
class Round:
    """One party's reading of the whole release."""

    wall_s: float
    cpu_s: float
    """Of this process and its children, all threads."""


def bench_verify(
    load: VerifyLoad = VerifyLoad(), folder: Path | None = None, tell: Callable[[str], None] = print
) -> BenchmarkResult:
    """Write a release under `folder` and have every party read it, on one thread and on one a core.

    `tell` hears of each step. NoldoError where the release does not verify.
    """
    hardware = this_machine()
    counts = sorted({1, hardware.cores})
    with tempfile.TemporaryDirectory(prefix="noldo-verify-", dir=folder) as work:
        root = Path(work)
        tell(f"writing {load.locations} locations and their manifest")
        make_run(root, load.locations, load.locations, partial(draw, px=PATCH_PX, compressible=load.compressible))
        write_manifest(RunLayout(root))
        size = sum((root / name).stat().st_size for name in listed(root))
        rounds = measure(parties(counts), root, load.rounds, tell)
    settings = {
        "locations": load.locations,
        "files": f"{size / 1e6:.0f} MB",
        "codec": f"lz4, which makes {0.91 if load.compressible else 1} of the S2 images; labels lz4hc",
        "rounds": load.rounds,
        "page cache": "warm",
        "SHA-256": f"up to {LANES} messages side by side" if lanes() else "one message at a time",
        "zarr": metadata.version("zarr"),
        "numcodecs": metadata.version("numcodecs"),
    }
    return BenchmarkResult("verify", date.today(), hardware, settings, tuple(figures(rounds, counts, size)))


def parties(counts: Sequence[int]) -> dict[str, Party]:
    """Every party by name; sha256sum where there is one, on the one thread that it has."""
    found: dict[str, Party] = {}
    for threads in counts:
        found[named(VERIFY, threads)] = partial(verify_all, threads=threads)
        found[named(HASH, threads)] = partial(hash_all, threads=threads)
    return found | ({SHA256SUM: run_sha256sum} if shutil.which("sha256sum") else {})


def named(party: str, threads: int) -> str:
    """A party on so many threads."""
    return f"{party}, {threads} thread{'s' if threads > 1 else ''}"


def measure(
    parties: Mapping[str, Party], root: Path, count: int, tell: Callable[[str], None]
) -> dict[str, list[Round]]:
    """The rounds of every party; a round comes first and is dropped."""
    rounds: dict[str, list[Round]] = {name: [] for name in parties}
    names = list(parties)
    for number in range(count + 1):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            before, started = os.times(), time.perf_counter()
            parties[name](root)
            wall, after = time.perf_counter() - started, os.times()
            rounds[name].append(Round(wall, sum(after[:4]) - sum(before[:4])))
        tell(f"round {number} of {count}")
    return {name: found[1:] for name, found in rounds.items()}


def figures(rounds: Mapping[str, Sequence[Round]], counts: Sequence[int], size: int) -> Iterator[Figure]:
    """Speeds, then how many times as fast verify was: in the same round, by best rounds, and by CPU time."""
    for name, found in rounds.items():
        yield Figure(name, statistics.median(size / r.wall_s for r in found) / 1e6, "MB/s")
    for threads in counts:
        ours, theirs = rounds[named(VERIFY, threads)], rounds[named(HASH, threads)]
        title = f"{named(VERIFY, threads)}, to {HASH}"
        pairs = list(zip(ours, theirs, strict=True))
        yield Figure(title, statistics.median(b.wall_s / a.wall_s for a, b in pairs), at_least=GOAL)
        yield Figure(f"{title}: best rounds", min(b.wall_s for b in theirs) / min(a.wall_s for a in ours))
        yield Figure(f"{title}: CPU time", statistics.median(b.cpu_s / a.cpu_s for a, b in pairs))
    if SHA256SUM in rounds:
        ours = rounds[named(VERIFY, max(counts))]
        pairs = list(zip(ours, rounds[SHA256SUM], strict=True))
        yield Figure(
            f"{named(VERIFY, max(counts))}, to {SHA256SUM}", statistics.median(b.wall_s / a.wall_s for a, b in pairs)
        )


def listed(root: Path) -> dict[str, str]:
    """SHA-256 of every published file."""
    digests, _ = parse_listing((root / LISTING).read_bytes())
    return digests


def verify_all(root: Path, *, threads: int) -> None:
    """Verify the release; NoldoError where it does not hold."""
    report = verify(root, threads=threads)
    if not report.ok:
        raise NoldoError("\n".join(["the made-up release does not verify", *report.lines()]))


def hash_all(root: Path, *, threads: int) -> None:
    """Compare every file's SHA-256 with the list, the largest first."""
    digests = listed(root)
    order = sorted(digests, key=lambda name: -(root / name).stat().st_size)
    with ThreadPoolExecutor(threads) as pool:
        found = dict(zip(order, pool.map(lambda name: _sha256(root / name), order), strict=True))
    if found != digests:
        raise NoldoError("the made-up release is not as listed")


def run_sha256sum(root: Path) -> None:
    """Have coreutils compare the list."""
    subprocess.run(["sha256sum", "--check", "--quiet", f"manifest/{CHECKSUMS_FILE}"], cwd=root, check=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
