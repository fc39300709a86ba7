"""Which machine a result was measured on."""

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

CPU_INFO: Final = Path("/proc/cpuinfo")
"""Where Linux names the processor; elsewhere `platform` says what it knows."""


@dataclass(frozen=True)
class Hardware:
    """What a result depends on beside the code."""

    cpu: str
    cores: int
    """Cores that this process may use."""
    memory_gb: float
    """10^9 bytes."""
    system: str
    python: str
    load_before: float
    """Mean number of running processes over the minute before (1 to 5 minutes on some systems), by others that is."""

    @property
    def label(self) -> str:
        """Short, for file names, for example 2-core-intel-xeon-platinum-8481c."""
        words = re.sub(r"\((?:r|tm)\)|\bcpu\b|@.*|\bprocessor\b", " ", self.cpu.lower())
        return "-".join([f"{self.cores}-core", *re.findall("[a-z0-9.]+", words)])

    @property
    def line(self) -> str:
        """One line for a person."""
        return (
            f"{self.cpu}, {self.cores} cores, {self.memory_gb:.0f} GB, {self.system}, Python {self.python}; "
            f"load before: {self.load_before:.1f}"
        )


def this_machine() -> Hardware:
    """The machine that this process runs on, and how busy it is."""
    return Hardware(
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_gb=psutil.virtual_memory().total / 1e9,
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        load_before=psutil.getloadavg()[0],
    )


def _cpu() -> str:
    try:
        named = re.search(r"^model name\s*:\s*(.+)$", CPU_INFO.read_text(), re.MULTILINE)
    except OSError:
        named = None
    return named[1].strip() if named else platform.processor() or platform.machine()
