"""Cores and memory that this process may use, and programs that some commands call."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil

from pipeline.doctor.finding import Finding, Health
from pipeline.manifest.signature import NOT_THERE, PROGRAM

DEMO_MEMORY_GB: Final = 2.4
"""Most memory that `make demo` took, measured (README.md)."""

CGROUPS: Final = Path("/sys/fs/cgroup")
OWN_CGROUPS: Final = Path("/proc/self/cgroup")
"""Lines of hierarchy:controllers:path (cgroups(7)); containers and batch systems limit memory by these."""


def check_cores() -> Finding:
    """How many cores this process may use, which is how many workers a build starts by default."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    everywhere = os.cpu_count() or cores
    of = f" of this machine's {everywhere}" if everywhere > cores else ""
    return Finding("Cores", Health.OK, f"{cores}{of} for this process")


def check_memory() -> Finding:
    """Free memory, within what a container or a batch system allows."""
    memory = psutil.virtual_memory()
    limit = memory_limit_bytes()
    free_gb = min(memory.available, memory.total if limit is None else limit) / 1e9
    within = "" if limit is None or limit >= memory.total else f"; a limit of {limit / 1e9:.1f} GB holds here"
    found = f"{free_gb:.1f} GB free of {memory.total / 1e9:.1f} GB{within}"
    if free_gb < DEMO_MEMORY_GB:
        advice = f"the demo takes {DEMO_MEMORY_GB} GB: end other programs, raise the limit, or give fewer --workers"
        return Finding("Memory", Health.NOTE, found, advice)
    return Finding("Memory", Health.OK, found)


def memory_limit_bytes(mounted: Path = CGROUPS, own: Path = OWN_CGROUPS) -> int | None:
    """The smallest memory limit of this process's control groups, of either version; None where there is none."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return None
    limits: list[int] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            limits += _limits(mounted, path, "memory.max")
        elif "memory" in controllers.split(","):
            limits += _limits(mounted / "memory", path, "memory.limit_in_bytes")
    return min(limits, default=None)


def _limits(mounted: Path, path: str, name: str) -> Iterator[int]:
    """Of a group and those above it; within a container the path may lie outside of what is mounted."""
    group = mounted / path.strip("/")
    for folder in (group, *group.parents):
        if folder != mounted and mounted not in folder.parents:
            return
        try:
            text = (folder / name).read_text().strip()
        except OSError:
            continue
        if text.isdigit():  # "max" is no limit
            yield int(text)


def check_ssh_keygen() -> Finding:
    """The program that signs manifests and checks signatures."""
    where = shutil.which(PROGRAM)
    if where is None:
        advice = f"{NOT_THERE.partition('; ')[2]}; only 'noldo manifest sign' and 'verify --key' need it"
        return Finding("Signatures", Health.NOTE, f"no {PROGRAM}", advice)
    return Finding("Signatures", Health.OK, where)
