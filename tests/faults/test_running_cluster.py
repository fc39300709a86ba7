"""A real Dask scheduler and worker processes, as a user starts them: used, bounded, and lost in mid-build."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from pipeline.emulator.process import running_emulator

Noldo = Callable[..., Any]
"""Runs `noldo ARGUMENTS...` to its end, see tests/conftest.py."""

pytestmark = pytest.mark.xdist_group("faults")

BIN = Path(sys.executable).parent

PLANET = 7
"""The small recipe's."""

PIXELS = "image:computePixels"

LATENCY_S = 0.4
"""Makes a build last long enough to be disturbed."""

ENVIRONMENT = {**os.environ, "no_proxy": "127.0.0.1,localhost", "OMP_NUM_THREADS": "1"}


@dataclass
class Cluster:
    folder: Path
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    address: str = ""

    def start(self, *command: str) -> "subprocess.Popen[bytes]":
        log = (self.folder / f"{len(self.processes)}.log").open("wb")
        with log:
            process = subprocess.Popen(
                [str(BIN / "dask"), *command], cwd=self.folder, env=ENVIRONMENT, stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    @property
    def scheduler(self) -> "subprocess.Popen[bytes]":
        return self.processes[0]

    @property
    def workers(self) -> "list[subprocess.Popen[bytes]]":
        return self.processes[1:]

    def start_worker(self) -> None:
        self.start("worker", self.address, "--host", "127.0.0.1", "--no-nanny", "--no-dashboard", "--nthreads", "4")


def wait_until(what: Callable[[], bool], why: str, seconds: float = 240.0) -> None:
    latest = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < latest, why
        time.sleep(0.05)


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    running, told = Cluster(folder), folder / "scheduler.json"
    running.start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(told))
    try:
        wait_until(told.exists, "the scheduler did not start")
        address = next(line for line in told.read_text().splitlines() if '"address"' in line)
        running.address = address.split('"')[3]
        for _ in range(2):
            running.start_worker()
        yield running
    finally:
        for process in running.processes:
            process.kill()
            process.wait()


@pytest.fixture
def slow_service(tmp_path: Path) -> Iterator[str]:
    with running_emulator(PLANET, "", LATENCY_S, None, log=tmp_path / "emulator.log") as url:
        yield url


def counts(url: str) -> dict[str, Any]:
    plain: dict[str, Any] = requests.get(f"{url}/diagnostics/counts", timeout=30).json()
    return plain


def arguments(recipe: Path, out: Path, cluster: Cluster, url: str) -> list[str]:
    return ["build", str(recipe), "--out", str(out), "--scheduler", cluster.address, "--set", f"source.url={url}"]


@contextmanager
def begun(recipe: Path, out: Path, cluster: Cluster, url: str, *more: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A build that has asked for its first pixels."""
    command = [str(BIN / "noldo"), *arguments(recipe, out, cluster, url), *more]
    build = subprocess.Popen(
        command, env=ENVIRONMENT, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        wait_until(lambda: counts(url)["requests"].get(PIXELS, 0) >= 2 or build.poll() is not None, "nothing asked for")
        assert build.poll() is None, build.communicate()[1]
        yield build
    finally:
        build.kill()
        build.communicate()


def last_line(said: bytes) -> str:
    assert b"Traceback" not in said, said.decode()
    return said.decode().rstrip().splitlines()[-1]


def test_a_worker_that_is_killed_changes_nothing_and_the_pace_holds_for_all(
    noldo: Noldo, small_run: tuple[Path, Any], small_recipe: Path, tmp_path: Path, cluster: Cluster, slow_service: str
) -> None:
    _, reference = small_run
    more = ("--json", "--set", "source.pace.concurrent=3")
    with begun(small_recipe, tmp_path / "run", cluster, slow_service, *more) as build:
        cluster.workers[0].kill()
        out, said = build.communicate(timeout=240)
    assert build.returncode == 0, said.decode()
    assert reference.json["content_digest"].encode() in out
    seen = counts(slow_service)
    assert seen["peak_concurrency"] <= 3 + 3, "at most what the killed worker left behind, beyond the pace"
    assert seen["rejected"] == 0


def test_the_pace_is_the_clusters_and_not_the_workers(
    noldo: Noldo, small_recipe: Path, tmp_path: Path, cluster: Cluster, slow_service: str
) -> None:
    ended = noldo(
        *arguments(small_recipe, tmp_path / "run", cluster, slow_service),
        "--until", "export", "--set", "source.pace.concurrent=3", "--set", "export.concurrency=8",
    )  # fmt: skip
    assert ended.status == 0, ended.err
    assert counts(slow_service)["peak_concurrency"] == 3, "never more, and no place left unused"


def test_a_lost_scheduler_is_one_plain_line_and_the_next_run_goes_on(
    noldo: Noldo, small_run: tuple[Path, Any], small_recipe: Path, tmp_path: Path, cluster: Cluster, slow_service: str
) -> None:
    _, reference = small_run
    with begun(small_recipe, tmp_path / "run", cluster, slow_service) as build:
        cluster.scheduler.kill()
        _, said = build.communicate(timeout=120)
    assert build.returncode == 1
    assert "connection to the Dask scheduler was lost" in last_line(said)
    for worker in cluster.workers:
        wait_until(lambda worker=worker: worker.poll() is not None, "a worker outlives its scheduler")  # type: ignore[misc]
    url = f"source.url={slow_service}"
    ended = noldo("build", small_recipe, "--out", tmp_path / "run", "--workers", 2, "--json", "--set", url)
    assert ended.status == 0, ended.err
    assert ended.json["content_digest"] == reference.json["content_digest"]
    assert ended.json["tallies"]["match"]["parts_reused"] >= 1


def test_ctrl_c_leaves_an_idle_cluster_and_the_next_run_goes_on(
    noldo: Noldo, small_run: tuple[Path, Any], small_recipe: Path, tmp_path: Path, cluster: Cluster, slow_service: str
) -> None:
    _, reference = small_run
    with begun(small_recipe, tmp_path / "run", cluster, slow_service) as build:
        os.killpg(build.pid, signal.SIGINT)
        _, said = build.communicate(timeout=120)
    assert build.returncode == 1
    assert last_line(said).startswith("noldo: stopped; what was finished is kept")
    wait_until(lambda: counts(slow_service)["in_flight"] == 0, "requests go on after the end")
    asked = counts(slow_service)["requests"]
    time.sleep(1.0)
    assert counts(slow_service)["requests"] == asked
    ended = noldo(*arguments(small_recipe, tmp_path / "run", cluster, slow_service), "--json")
    assert ended.status == 0, ended.err
    assert ended.json["content_digest"] == reference.json["content_digest"]


def test_a_killed_driver_leaves_workers_that_stop_asking(
    noldo: Noldo, small_run: tuple[Path, Any], small_recipe: Path, tmp_path: Path, cluster: Cluster, slow_service: str
) -> None:
    _, reference = small_run
    with begun(small_recipe, tmp_path / "run", cluster, slow_service) as build:
        os.killpg(build.pid, signal.SIGKILL)
    ended = noldo(*arguments(small_recipe, tmp_path / "run", cluster, slow_service), "--json")
    assert ended.status == 0, ended.err
    assert ended.json["content_digest"] == reference.json["content_digest"]
    assert list((tmp_path / "run").rglob("*.tmp-*")) == []


def test_a_scheduler_without_workers_is_told(noldo: Noldo, small_recipe: Path, tmp_path: Path) -> None:
    ended = noldo("build", small_recipe, "--out", tmp_path / "run", "--scheduler", "tcp://127.0.0.1:9")
    assert ended.status == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in ended.err
