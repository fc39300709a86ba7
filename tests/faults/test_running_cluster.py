"""A real Dask scheduler and worker processes, as a user starts them: used, bounded, and lost in mid-build."""

import json
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

from pipeline.manifest.digest import digest_run
from pipeline.schema.layout import RunLayout

Noldo = Callable[..., Any]
"""Runs `noldo ARGUMENTS...` to its end, see tests/conftest.py."""

Finish = Callable[[], dict[str, Any]]

BIN = Path(sys.executable).parent

PIXELS = "image:computePixels"

LATENCY_S = 0.4
"""Makes a build last long enough to be disturbed."""

ENVIRONMENT = {**os.environ, "no_proxy": "127.0.0.1,localhost", "OMP_NUM_THREADS": "1"}


@dataclass
class Cluster:
    """A scheduler and two workers; what was killed is started again by `whole`."""

    folder: Path
    scheduler: "subprocess.Popen[bytes] | None" = None
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    address: str = ""
    started: int = 0

    def _start(self, *command: str) -> "tuple[subprocess.Popen[bytes], Path]":
        self.started += 1
        path = self.folder / f"{self.started}.log"
        with path.open("wb") as log:
            started = subprocess.Popen(
                [str(BIN / "dask"), *command], cwd=self.folder, env=ENVIRONMENT, stdout=log, stderr=log
            )
        return started, path

    def whole(self) -> None:
        """Start what does not run."""
        if self.scheduler is None or self.scheduler.poll() is not None:
            self.end()
            told = self.folder / f"scheduler-{self.started}.json"
            place = ("--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(told))
            self.scheduler, _ = self._start("scheduler", "--no-dashboard", *place)
            wait_until(lambda: told.exists() and told.read_text().rstrip().endswith("}"), "the scheduler did not start")
            self.address = json.loads(told.read_text())["address"]
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        logs = []
        while len(self.workers) < 2:
            how = ("--host", "127.0.0.1", "--no-nanny", "--no-dashboard", "--nthreads", "4")
            worker, log = self._start("worker", self.address, *how)
            self.workers.append(worker)
            logs.append(log)
        wait_until(lambda: all("Registered to" in log.read_text() for log in logs), "a worker did not start")

    def end(self) -> None:
        """Kill all of it."""
        for process in [*self.workers, *([self.scheduler] if self.scheduler else [])]:
            process.kill()
            process.wait()


def wait_until(what: Callable[[], bool], why: str, seconds: float = 240.0) -> None:
    latest = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < latest, why
        time.sleep(0.05)


@pytest.fixture(scope="module")
def one_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.end()


@pytest.fixture
def cluster(one_cluster: Cluster) -> Cluster:
    one_cluster.whole()
    return one_cluster


@pytest.fixture
def slow_service(serve_small_planet: Callable[..., Any]) -> Iterator[str]:
    with serve_small_planet(latency_s=LATENCY_S) as server:
        yield server.url


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


@pytest.fixture
def same_in_the_end(
    small_run: tuple[Path, Any], tmp_path: Path, small_planet_url: str, build_here: Callable[..., Any], same_as: Any
) -> Callable[[], dict[str, Any]]:
    """Finish the test's run in this process and hold it against the undisturbed one; the tallies of what was left."""

    def check() -> dict[str, Any]:
        reference, ended = small_run
        _, ledger = build_here(tmp_path / "run", small_planet_url)
        same_as(tmp_path / "run", reference)
        assert digest_run(RunLayout(tmp_path / "run")).dataset == ended.json["content_digest"]
        return dict(ledger.tallies)

    return check


def only_the_manifest_was_left(tallies: dict[str, Any]) -> bool:
    return {stage for stage, tally in tallies.items() if tally.parts_made} == {"manifest"}


def test_the_pace_is_the_clusters_and_not_the_workers(
    noldo: Noldo, small_recipe: Path, tmp_path: Path, cluster: Cluster, slow_service: str
) -> None:
    ended = noldo(
        *arguments(small_recipe, tmp_path / "run", cluster, slow_service),
        "--until", "export", "--set", "source.pace.concurrent=3", "--set", "export.concurrency=8",
    )  # fmt: skip
    assert ended.status == 0, ended.err
    assert counts(slow_service)["peak_concurrency"] == 3, "never more, and no place left unused"


def test_ctrl_c_leaves_an_idle_cluster_and_the_next_run_goes_on(
    noldo: Noldo, small_recipe: Path, tmp_path: Path, cluster: Cluster, slow_service: str, same_in_the_end: Finish
) -> None:
    with begun(small_recipe, tmp_path / "run", cluster, slow_service) as build:
        os.killpg(build.pid, signal.SIGINT)
        _, said = build.communicate(timeout=120)
    assert build.returncode == 1
    assert last_line(said).startswith("noldo: stopped; what was finished is kept")
    wait_until(lambda: counts(slow_service)["in_flight"] == 0, "requests go on after the end")
    asked = counts(slow_service)["requests"]
    time.sleep(1.0)
    assert counts(slow_service)["requests"] == asked
    ended = noldo(*arguments(small_recipe, tmp_path / "run", cluster, slow_service), "--until", "pack")
    assert ended.status == 0, ended.err
    assert only_the_manifest_was_left(same_in_the_end())


def test_a_killed_driver_leaves_workers_that_stop_asking(
    noldo: Noldo, small_recipe: Path, tmp_path: Path, cluster: Cluster, slow_service: str, same_in_the_end: Finish
) -> None:
    with begun(small_recipe, tmp_path / "run", cluster, slow_service) as build:
        os.killpg(build.pid, signal.SIGKILL)
    ended = noldo(*arguments(small_recipe, tmp_path / "run", cluster, slow_service), "--until", "pack")
    assert ended.status == 0, ended.err
    assert only_the_manifest_was_left(same_in_the_end())


def test_a_worker_that_is_killed_changes_nothing_and_the_pace_holds_for_all(
    small_recipe: Path, tmp_path: Path, cluster: Cluster, slow_service: str, same_in_the_end: Finish
) -> None:
    more = ("--until", "pack", "--set", "source.pace.concurrent=3")
    with begun(small_recipe, tmp_path / "run", cluster, slow_service, *more) as build:
        cluster.workers[0].kill()
        _, said = build.communicate(timeout=240)
    assert build.returncode == 0, said.decode()
    seen = counts(slow_service)
    assert seen["peak_concurrency"] <= 3 + 3, "at most what the killed worker left behind, beyond the pace"
    assert seen["rejected"] == 0
    assert only_the_manifest_was_left(same_in_the_end())


def test_a_lost_scheduler_is_one_plain_line_and_the_next_run_goes_on(
    small_recipe: Path, tmp_path: Path, cluster: Cluster, slow_service: str, same_in_the_end: Finish
) -> None:
    with begun(small_recipe, tmp_path / "run", cluster, slow_service) as build:
        assert cluster.scheduler is not None
        cluster.scheduler.kill()
        _, said = build.communicate(timeout=120)
    assert build.returncode == 1
    assert "connection to the Dask scheduler was lost" in last_line(said)
    for worker in cluster.workers:
        wait_until(lambda worker=worker: worker.poll() is not None, "a worker outlives its scheduler")  # type: ignore[misc]
    assert same_in_the_end()["match"].parts_reused >= 1


def test_a_scheduler_without_workers_is_told(
    noldo_here: Noldo, small_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.cluster.client.ANSWER_S", 1.0)
    ended = noldo_here("build", small_recipe, "--out", tmp_path / "run", "--scheduler", "tcp://127.0.0.1:9")
    assert ended.status == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in ended.err
