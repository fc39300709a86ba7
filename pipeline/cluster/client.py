"""A client of a Dask cluster: a local one that lasts as long as the build, or one that is running already."""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any, Final

import dask.config
import dask.system
from distributed import Client, LocalCluster
from distributed.system import MEMORY_LIMIT

from pipeline.schema.errors import UsageError

THREADS: Final = 4
"""Tasks at once in a local worker: while one waits for answers or for its last ones, others go on."""

LEAVE_CTRL_C: Final = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
"""Run in every local worker: a terminal's Ctrl-C reaches all processes, but the driver alone ends the others."""

KEEP_FREED: Final = {
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 1 << 28,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 1 << 25,
    "distributed.nanny.pre-spawn-environ.MALLOC_ARENA_MAX": 1,
}
"""glibc keeps freed memory, all in one heap, for the next arrays of any thread. Dask's own setting gives it back at
once, and half of a worker's CPU time went into faulting the pages of the next location in again; a second heap is given
back piece by piece whatever is set. (glibc manual, 'Memory Allocation Tunables'.)"""

UNWATCHED: Final = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.admin.tick.interval": "1s",
    "distributed.worker.memory.monitor-interval": "1s",
}
"""Dask looks at every worker's threads, loop and memory ten to a hundred times a second. An idle local cluster of two
took a tenth of a core for that, and takes a third of it so. Nobody reads its profiles of threads that wait."""

NO_LEAKS: Final = "ignore:resource_tracker:UserWarning"
"""Python tells of semaphores that it gave back for a worker that was ended at once; no user needs to hear of it."""

LOGGERS: Final = ("distributed", "distributed.client", "tornado.application")
"""Those for which Dask sets a level of their own."""

ANSWER_S: Final = 10.0
"""How long a scheduler may take to answer, seconds."""

WORKERS_S: Final = 60.0
"""How long to wait for the first worker of a running cluster, seconds."""

ENDING_S: Final = 60.0
"""How long tasks of an earlier build of the same folder may take to notice its end, seconds."""


@contextmanager
def dask_client(workers: int | None, scheduler: str | None) -> Iterator[Client]:
    """A client of the running cluster at `scheduler`, or of a local one of `workers` processes, by default one a core.

    Raises UsageError where no scheduler answers, or no worker joins it.
    """
    # A task's error is raised in the driver, and a lost connection told there, once and plainly.
    for logger in LOGGERS:
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    if scheduler is not None:
        with _running(scheduler) as client:
            yield client
        return
    # By the environment, because it is a process of its own that warns.
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, (os.environ.get("PYTHONWARNINGS"), NO_LEAKS)))
    processes = workers or dask.system.CPU_COUNT
    _start_tracker()
    with dask.config.set({**KEEP_FREED, **UNWATCHED}):
        cluster = LocalCluster(
            n_workers=processes,
            threads_per_worker=THREADS,
            memory_limit=MEMORY_LIMIT // processes,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
            preload=[LEAVE_CTRL_C],
        )
    with cluster, Client(cluster) as client:
        yield client


def _start_tracker() -> None:
    """Start Python's keeper of the workers' semaphores; it outlives a terminal's end, which this process then tells.

    Against Ctrl-C and SIGTERM it guards itself; ended by SIGHUP, it would be started anew and complain of each.
    """
    if threading.current_thread() is not threading.main_thread():
        return  # it starts with the first worker: only the main thread may set what signals do
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        resource_tracker.ensure_running()
    finally:
        signal.signal(signal.SIGHUP, before)


@contextmanager
def _running(scheduler: str) -> Iterator[Client]:
    try:
        client = Client(scheduler, timeout=ANSWER_S)
    except (OSError, ValueError) as error:
        raise UsageError(f"no Dask scheduler answers at {scheduler}; start one with 'dask scheduler'") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=WORKERS_S)
        except TimeoutError as error:
            raise UsageError(
                f"the Dask scheduler at {scheduler} has no workers; start some with 'dask worker {scheduler}'"
            ) from error
        yield client


def wait_until_idle(client: Client, tag: str, seconds: float = ENDING_S) -> bool:
    """Wait until no worker runs a task with `tag` in its key; whether that came in time."""
    latest = time.monotonic() + seconds
    while any(client.run(_runs, tag).values()):
        if time.monotonic() > latest:
            return False
        time.sleep(0.2)
    return True


def _runs(tag: str, dask_worker: Any) -> bool:
    """Whether this worker runs such a task; also one whose driver is gone."""
    return any(tag in str(key) for key in list(dask_worker.active_threads.values()))
