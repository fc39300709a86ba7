"""A process of its own on given cores, so that a figure 'on one core' is one."""

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from pipeline.schema.errors import UsageError


def pinned_process(cores: Sequence[int]) -> ProcessPoolExecutor:
    """One fresh process that stays on these cores, from before it imports what it is to run.

    Threads that a library starts keep the cores that the process had then, so they must be set first. UsageError on a
    system that cannot pin.
    """
    if not hasattr(os, "sched_setaffinity"):
        raise UsageError("this benchmark pins processes to cores, which this system cannot; run it on Linux")
    fresh = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=fresh, initializer=pin, initargs=(tuple(cores),))


def pin(cores: Sequence[int]) -> None:
    """Keep this process, and the threads that it starts from now on, on these cores."""
    os.sched_setaffinity(0, cores)
