import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

SLACK = 10_000_000
"""The system counts a process's pages by processor, and adds them up now and then."""

PEAKS = """
import numpy as np
from benchmarks.step_memory import own_peak_bytes
before = own_peak_bytes()
held = np.ones(100_000_000, np.uint8)
during = own_peak_bytes()
del held
print(before, during, own_peak_bytes())
"""


def test_the_peak_stays_after_the_memory_is_gone() -> None:
    """In a new process: one that has held more, or a fork of it, takes the memory from what it gave up before."""
    done = subprocess.run([sys.executable, "-c", PEAKS], cwd=ROOT, capture_output=True, text=True, check=True)
    before, during, after = map(int, done.stdout.split())
    assert during > before + 100_000_000 - SLACK
    assert after > during - SLACK
