import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

from benchmarks.step_memory import own_peak_bytes

SLACK = 10_000_000
"""The system counts a process's pages by processor, and adds them up now and then."""


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_the_peak_stays_after_the_memory_is_gone() -> None:
    """In a process of its own, whose peak begins at what is in use: a worker of the tests may have had more."""
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(1, mp_context=context) as process:
        before, during, after = process.submit(_peaks).result()
    assert during > before + 100_000_000 - SLACK
    assert after > during - SLACK


def _peaks() -> tuple[int, int, int]:
    before = own_peak_bytes()
    held = np.ones(100_000_000, np.uint8)
    assert held[-1]
    during = own_peak_bytes()
    del held
    return before, during, own_peak_bytes()
