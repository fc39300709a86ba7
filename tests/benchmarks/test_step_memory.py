from pathlib import Path

import numpy as np

from benchmarks.step_memory import own_peak_bytes

SLACK = 10_000_000
"""The system counts a process's pages by processor, and adds them up now and then."""


def test_the_peak_stays_after_the_memory_is_gone() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far, which may be of gigabytes
        more = 100_000_000
    except OSError:
        more = own_peak_bytes() + 100_000_000
    before = own_peak_bytes()
    held = np.ones(more, np.uint8)
    assert held[-1]
    during = own_peak_bytes()
    del held
    assert during > before + 100_000_000 - SLACK
    assert own_peak_bytes() > during - SLACK
