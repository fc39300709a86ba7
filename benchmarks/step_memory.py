"""The most memory that a step takes, of the device that it runs on."""

import multiprocessing
import re
import resource
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch

from benchmarks.step_data import first_batch
from benchmarks.step_parties import PARTIES
from training.compute import choose_compute
from training.dataset import open_store
from training.settings import PretrainSettings


def peak_gb(name: str, store: Path, settings: PretrainSettings) -> float:
    """Peak over two steps of a party, 10^9 bytes, in a fresh process: torch's part of a GPU, else all of it."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(_peak_bytes, name, store, settings).result() / 1e9


def _peak_bytes(name: str, store: Path, settings: PretrainSettings) -> int:
    compute = choose_compute(settings)
    batch = first_batch(open_store(store), settings, compute)
    step = PARTIES[name](settings, compute)
    for _ in range(2):
        step(batch)
    if compute.device.type == "cuda":
        return torch.cuda.max_memory_allocated(compute.device)
    return own_peak_bytes()


def own_peak_bytes() -> int:
    """The most memory that this process has had in use.

    Linux's getrusage also counts what the parent had when this process was made of it, so /proc is asked first.
    """
    try:
        found = re.search(r"^VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    except OSError:
        found = None
    unit = 1 if sys.platform == "darwin" else 1024
    return 1024 * int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
