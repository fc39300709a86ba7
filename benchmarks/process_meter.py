"""CPU time and memory of this process and of those it started."""

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class CpuTimes:
    """CPU time."""

    user_s: float
    """In the programs' own code."""
    system_s: float
    """In the kernel, on their behalf."""

    @property
    def total_s(self) -> float:
        """Both together."""
        return self.user_s + self.system_s


class ProcessMeter:
    """Looks at a tree of processes; what a process that has ended used stays counted."""

    def __init__(self, leave_out: Iterable[int] = (), find_every_s: float = 0.0) -> None:
        """`leave_out` are processes, with all that they start, that do not belong to what is measured.

        New ones are sought at a look every so many seconds: it takes 8 ms, which count as this process's own.
        """
        self._find_every_s = find_every_s
        self._leave_out = frozenset(leave_out)
        self._own = psutil.Process()
        self._known: list[psutil.Process] = []
        self._sought = -math.inf
        self._cpu_s: dict[int, CpuTimes] = {}
        self._peak: dict[int, int] = {}

    def look(self) -> CpuTimes:
        """CPU time of all the processes so far."""
        if time.monotonic() - self._sought >= self._find_every_s:
            self._known = [self._own, *_below(self._own, self._leave_out)]
            self._sought = time.monotonic()
        for process in self._known:
            try:
                times = process.cpu_times()
                self._cpu_s[process.pid] = CpuTimes(times.user, times.system)
                self._peak[process.pid] = max(self._peak.get(process.pid, 0), _peak_bytes(process))
            except psutil.NoSuchProcess:
                continue
        found = self._cpu_s.values()
        return CpuTimes(sum(each.user_s for each in found), sum(each.system_s for each in found))

    @property
    def own_peak_bytes(self) -> int:
        """Most memory resident in this process, as far as looks have told."""
        return self._peak.get(self._own.pid, 0)

    @property
    def child_peaks_bytes(self) -> list[int]:
        """The same of every other process, the largest first."""
        return sorted((peak for pid, peak in self._peak.items() if pid != self._own.pid), reverse=True)


def child_processes() -> list[int]:
    """Process numbers of this process's children."""
    return [child.pid for child in psutil.Process().children()]


def _below(process: psutil.Process, leave_out: frozenset[int]) -> list[psutil.Process]:
    try:
        children = [child for child in process.children() if child.pid not in leave_out]
    except psutil.NoSuchProcess:
        return []
    return [*children, *(below for child in children for below in _below(child, leave_out))]


def _peak_bytes(process: psutil.Process) -> int:
    """Linux keeps the peak of every process; elsewhere the present size stands for it."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return int(process.memory_info().rss)
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return int(process.memory_info().rss)
