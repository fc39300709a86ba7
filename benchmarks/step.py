"""`noldo bench step`: our training step beside a plain writing of the same mathematics, in one run.

Both begin from the same weights and see the same batches of a made-up store; that they compute the same loss is
looked at first. They take turns, and the median of the rounds counts. Has not run on a GPU yet.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

import torch

from benchmarks.hardware import this_machine
from benchmarks.result import BenchmarkResult, Figure
from benchmarks.step_arithmetic import flops_a_location, matrix_product, wait_for
from benchmarks.step_data import BATCHES, first_batch, made_up_store, plans
from benchmarks.step_memory import peak_gb
from benchmarks.step_parties import OURS, PARTIES, PLAIN, Step, apart, losses_alone
from pipeline.schema.errors import NoldoError, UsageError
from training.compute import Compute, choose_compute
from training.dataset import TrainingStore
from training.loader import Batch, read_batches
from training.pace import Pace
from training.progress import EpochClock
from training.settings import PretrainSettings

MOST_APART: Final = 1e-4
"""Beyond this relative distance of the losses the two do not compute the same."""

LOADER_CORES: Final = 4
"""Cores that reading and the host's part of the step have while data is waited for."""

MATRIX_PRODUCT: Final = "matrix product, measured"

GOALS: Final = {
    "cuda": {
        "ours": {"at_least": 600.0},
        "ours over plain": {"at_least": 3.0},
        "share of time waiting for data": {"at_most": 0.02},
    },
    "cpu": {"share of time waiting for data": {"at_most": 0.02}},
}
"""By device; speed is held against goals on a GPU with the paper's settings only."""


@dataclass(frozen=True)
class StepLoad:
    """What is trained."""

    device: Literal["cpu", "cuda"]
    encoder: str
    batch: int
    """Locations."""
    crop: int
    """Pixels."""
    steps: int
    """A round."""
    rounds: int = 5
    """That count; each party has one before."""
    compile: Literal["auto", "on", "off"] = "auto"
    """Of ours; auto: on a GPU."""

    @property
    def settings(self) -> PretrainSettings:
        """A run of full CromSS, middle fusion, 13 + 2 bands."""
        return PretrainSettings(
            encoder=self.encoder,
            batch_size=self.batch,
            crop_px=self.crop,
            device=self.device,
            compile=self.compile,
        )


def load_for(
    device: str,
    *,
    batch: int | None = None,
    crop: int | None = None,
    encoder: str | None = None,
    steps: int | None = None,
    compile_ours: Literal["auto", "on", "off"] = "auto",
) -> StepLoad:
    """Fill in what was left open: the paper's settings on a GPU, small ones on a CPU. UsageError without that GPU."""
    settled = choose_compute(PretrainSettings.model_validate({"device": device})).device.type
    gpu = settled == "cuda"
    return StepLoad(
        device="cuda" if gpu else "cpu",
        encoder=encoder or "resnet50",
        batch=batch or (128 if gpu else 4),
        crop=crop or (256 if gpu else 128),
        steps=steps or (10 if gpu else 2),
        compile=compile_ours,
    )


def bench_step(load: StepLoad, folder: Path | None = None, tell: Callable[[str], None] = print) -> BenchmarkResult:
    """Compare, time, and count. The made-up store lies in a folder under `folder`; `tell` hears of each part.

    NoldoError where the two do not compute the same loss; UsageError where a batch does not fit into the device.
    """
    hardware = this_machine()
    settings = load.settings
    compute = choose_compute(settings)
    with tempfile.TemporaryDirectory(prefix="noldo-step-", dir=folder) as work:
        tell(f"writing {BATCHES * load.batch} locations")
        store = made_up_store(Path(work), settings)
        try:
            found = dict(_found(load, store, compute, tell))
        except torch.OutOfMemoryError as error:
            raise UsageError(f"a batch of {load.batch} does not fit into the device; give a smaller --batch") from error
    goals: Mapping[str, Mapping[str, float]] = GOALS[load.device]
    figures = tuple(Figure(name, value, unit, **goals.get(name, {})) for name, (value, unit) in found.items())
    return BenchmarkResult("step", date.today(), hardware, _described(load, compute), figures)


def _found(
    load: StepLoad, store: TrainingStore, compute: Compute, tell: Callable[[str], None]
) -> Iterator[tuple[str, tuple[float, str]]]:
    settings = load.settings
    batch = first_batch(store, settings, compute)
    tell("comparing the losses")
    distance = apart(batch, settings, compute)
    if not distance <= MOST_APART:
        raise NoldoError(f"the losses of the two steps are {distance:.2g} apart, relatively: they do not compare")
    tell("timing")
    steps = {name: party(settings, compute) for name, party in PARTIES.items()}
    calls: dict[str, Callable[[], None]] = {name: _repeated(step, batch, load.steps) for name, step in steps.items()}
    calls[MATRIX_PRODUCT], matrix_flops = matrix_product(
        compute.device, torch.bfloat16 if compute.bf16 else torch.float32
    )
    seconds = _turns(calls, load.rounds, compute.device)
    speed = {name: load.steps * load.batch / seconds[name] for name in steps}
    yield "ours", (speed[OURS], "locations/s")
    yield "plain", (speed[PLAIN], "locations/s")
    yield "ours over plain", (speed[OURS] / speed[PLAIN], "")
    flops, rate = flops_a_location(settings), matrix_flops / seconds[MATRIX_PRODUCT]
    yield "arithmetic of the network", (flops / 1e9, "GFLOP a location")
    yield MATRIX_PRODUCT, (rate / 1e12, "TFLOP/s")
    yield "MFU, of the matrix product", (flops * speed[OURS] / rate, "")
    tell("reading beside it")
    with_data, wait_share = _with_loader(steps[OURS], store, settings, compute, load.steps * load.rounds)
    yield "ours, with the loader", (with_data, "locations/s")
    yield "share of time waiting for data", (wait_share, "")
    del steps, calls
    alone = _turns(losses_alone(batch, settings, compute), load.rounds, compute.device)
    yield "losses alone, ours", (1000 * alone[OURS] / load.batch, "ms a location")
    yield "losses alone, plain", (1000 * alone[PLAIN] / load.batch, "ms a location")
    yield "losses alone, ours over plain", (alone[PLAIN] / alone[OURS], "")
    tell("measuring memory")
    if load.device == "cuda":
        torch.cuda.empty_cache()  # what is kept for later steps here, other processes cannot have
    for name in PARTIES:
        yield f"peak memory, {name}", (peak_gb(name, Path(str(store.path)), settings), "GB")
    yield "losses apart, relative", (distance, "")


def _turns(calls: Mapping[str, Callable[[], None]], rounds: int, device: torch.device) -> dict[str, float]:
    """Median seconds of each call, the calls taking turns; a first round, which warms up and compiles, is dropped."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds + 1):
        for name, call in calls.items():
            wait_for(device)
            begun = time.perf_counter()
            call()
            wait_for(device)
            seconds[name].append(time.perf_counter() - begun)
    return {name: statistics.median(found[1:]) for name, found in seconds.items()}


def _repeated(step: Step, batch: Batch, steps: int) -> Callable[[], None]:
    def call() -> None:
        for _ in range(steps):
            step(batch)

    return call


def _with_loader(
    step: Step, store: TrainingStore, settings: PretrainSettings, compute: Compute, steps: int
) -> tuple[float, float]:
    """Locations/s and the share of time waiting for data when batches are read from the store, on a few cores.

    The first batch is not counted: nothing is read ahead of it.
    """
    pace = Pace(compute.device)
    with _on_cores(LOADER_CORES):
        batches = read_batches(store, plans(store, settings, steps + 1), pin=compute.pinned)
        step(next(iter(batches)))
        wait_for(compute.device)
        clock, locations = EpochClock(), 0
        for batch in clock.waits(batches):
            step(batch)
            pace.step_queued()
            locations += len(batch.rows)
        waited = clock.waited
        wait_for(compute.device)
        return locations / clock.seconds, waited / clock.seconds


@contextmanager
def _on_cores(count: int) -> Iterator[None]:
    """Keep this thread, and those that it starts meanwhile, on a few of its cores, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(mine)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)


def _described(load: StepLoad, compute: Compute) -> dict[str, Any]:
    return {
        "device": torch.cuda.get_device_name() if load.device == "cuda" else "CPU",
        "network": f"two {load.encoder} encoders, one decoder, 2 + 13 bands",
        "crop": f"{load.crop} px",
        "batch": load.batch,
        "steps a round": load.steps,
        "rounds": load.rounds,
        "threads": torch.get_num_threads(),
        "ours": f"{'bf16' if compute.bf16 else 'float32'}, channels last{', compiled' if compute.compile else ''}",
        "plain": f"{'fp16 with a scaled loss' if compute.bf16 else 'float32'}, channels first",
        "cores while reading": min(LOADER_CORES, os.cpu_count() or 1),
        "torch": torch.__version__,
    }
