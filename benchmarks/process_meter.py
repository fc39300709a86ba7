"""CPU time and memory of this process and of those it started."""

from collections.abc import Iterable
from pathlib import Path

import psutil


class ProcessMeter:
    """Looks at a tree of processes; what a process that has ended used stays counted."""

    def __init__(self, leave_out: Iterable[int] = ()) -> None:
        """`leave_out` are processes, with all that they start, that do not belong to what is measured."""
        self._leave_out = frozenset(leave_out)
        self._own = psutil.Process()
        self._cpu_s: dict[int, float] = {}
        self._peak: dict[int, int] = {}

    def look(self) -> float:
        """CPU seconds, user and system, of all the processes so far."""
        for process in [self._own, *_below(self._own, self._leave_out)]:
            try:
                times = process.cpu_times()
                self._cpu_s[process.pid] = times.user + times.system
                self._peak[process.pid] = max(self._peak.get(process.pid, 0), _peak_bytes(process))
            except psutil.NoSuchProcess:
                continue
        return sum(self._cpu_s.values())

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
