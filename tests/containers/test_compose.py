"""compose.yaml: its schema, and its services as real processes on this machine's loopback."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import requests
import yaml

from pipeline.cli.main import noldo as noldo_command
from pipeline.recipe import load_recipe
from pipeline.schema.layout import RunLayout

BIN = Path(sys.executable).parent

RECIPE = """
sample: {count: 2, seed: 1}
source: {kind: emulator, seed: 7}
store: {shard_rows: 2}
release: {date: 2026-01-02}
"""

START_S = 120.0
"""A service may take this long to answer on a busy machine."""


@pytest.fixture(scope="module")
def services(project: Path) -> dict[str, dict[str, Any]]:
    plain: dict[str, dict[str, Any]] = yaml.safe_load((project / "compose.yaml").read_text())["services"]
    return plain


def words(service: dict[str, Any], **environment: str) -> list[str]:
    """A service's command, with ${NAME:-default} filled in as compose does."""
    filled = re.sub(r"\$\{(\w+):-([^}]*)\}", lambda m: environment.get(m[1], m[2]), service["command"])
    return shlex.split(filled)


def test_the_file_follows_the_compose_specification(project: Path) -> None:
    command = [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", project / "compose.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_services_wait_for_services_that_are_there(services: dict[str, dict[str, Any]]) -> None:
    for service in services.values():
        for name, how in service.get("depends_on", {}).items():
            assert name in services
            assert how["condition"] != "service_healthy" or "healthcheck" in services[name]


def test_images_are_the_targets_of_the_dockerfile(project: Path, services: dict[str, dict[str, Any]]) -> None:
    targets = set(re.findall(r"^FROM \S+ AS (\S+)$", (project / "Dockerfile").read_text(), re.MULTILINE))
    assert {s["build"]["target"] for s in services.values()} == {"cpu", "cuda"} <= targets
    for service in services.values():
        assert service["image"] == f"noldo:{service['build']['target']}"


def test_addresses_name_services(services: dict[str, dict[str, Any]]) -> None:
    used = {host for s in services.values() for host in re.findall(r"(?:tcp|http)://([a-z]+):", str(s["command"]))}
    assert used == {"emulator", "scheduler"} <= set(services)


@pytest.mark.parametrize("name", ["emulator", "build", "train", "train-gpu"])
def test_the_command_line_of_noldo_takes_them(
    project: Path, monkeypatch: pytest.MonkeyPatch, services: dict[str, dict[str, Any]], name: str
) -> None:
    monkeypatch.chdir(project)
    arguments = [*(["pretrain"] if "entrypoint" in services[name] else []), *words(services[name])]
    command: click.Command = noldo_command
    while isinstance(command, click.Group):
        command = command.commands[arguments.pop(0)]
    given = command.make_context(name, arguments).params
    assert "recipe" not in given or given["recipe"].exists()


def test_the_override_for_earth_engine_is_one_of_these_services(
    project: Path, monkeypatch: pytest.MonkeyPatch, services: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    """The block of the guide: of the specification's form, of services that are there, with a command that parses."""
    (block,) = re.findall(r"```yaml\n(.*?)```", (project / "docs/how-to/containers.md").read_text(), re.DOTALL)
    (tmp_path / "compose.override.yaml").write_text(block)
    command = [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", tmp_path / "compose.override.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    changed = yaml.safe_load(block)["services"]
    assert set(changed) <= set(services)
    monkeypatch.chdir(project)
    given = noldo_command.commands["build"].make_context("build", words(changed["build"])[1:]).params
    assert load_recipe(given["recipe"], given["settings"]).source.kind == "earthengine"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Here:
    """Starts services as processes: their names and ports become this machine's."""

    def __init__(self, project: Path, folder: Path, services: dict[str, dict[str, Any]]) -> None:
        self.folder = folder
        self._entry = project / "containers/pipeline"
        self._services = services
        self._running: list[subprocess.Popen[bytes]] = []
        self._ports = {port: str(free_port()) for port in ("8786", "8787", "8090")}

    def local(self, text: str) -> str:
        """A text of the file with this machine's addresses."""
        text = re.sub(r"//(emulator|scheduler):", "//127.0.0.1:", text.replace("0.0.0.0", "127.0.0.1"))
        return re.sub(r"\b(8786|8787|8090)\b", lambda m: self._ports[m[1]], text)

    def start(self, name: str, *more: str, **environment: str) -> "subprocess.Popen[bytes]":
        arguments = [self.local(word) for word in words(self._services[name], **environment)]
        path = f"{BIN}:{os.environ['PATH']}"
        with (self.folder / f"{name}.log").open("wb") as log:
            started = subprocess.Popen(
                [self._entry, *arguments, *more], cwd=self.folder, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", "no_proxy": "127.0.0.1",
                     "DASK_TEMPORARY_DIRECTORY": str(self.folder)},
            )  # fmt: skip
        self._running.append(started)
        return started

    def wait_until_healthy(self, name: str) -> None:
        """Ask what the service's health check asks."""
        (url,) = re.findall(r"http://[^']*", self.local(self._services[name]["healthcheck"]["test"][-1]))
        latest = time.monotonic() + START_S
        while True:
            try:
                requests.get(url, timeout=5).raise_for_status()
                return
            except requests.RequestException:
                assert time.monotonic() < latest, self.said(name)
                time.sleep(0.2)

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def end(self) -> None:
        """End them all, and what they have started."""
        for process in reversed(self._running):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._running:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture
def here(project: Path, tmp_path: Path, services: dict[str, dict[str, Any]]) -> Iterator[Here]:
    running = Here(project, tmp_path, services)
    yield running
    running.end()


def test_services_build_a_data_set_together(here: Here) -> None:
    """Emulator, scheduler and one worker, then the build; all by the entry point and the commands of the file."""
    (here.folder / "small.yaml").write_text(RECIPE)
    emulator, scheduler = here.start("emulator"), here.start("scheduler")
    here.wait_until_healthy("scheduler")
    worker = here.start("worker", "--no-dashboard")
    here.wait_until_healthy("emulator")
    build = here.start("build", "--json", NOLDO_RECIPE="small.yaml")
    assert build.wait(200) == 0, here.said("build") + here.said("worker")[-3000:]
    run = RunLayout(here.folder / "runs/demo")
    assert run.store("nol").is_dir()
    assert (run.manifest / "index.parquet").is_file()
    counts = requests.get(here.local("http://emulator:8090/diagnostics/counts"), timeout=5).text
    assert "computePixels" in counts
    assert [service.poll() for service in (emulator, scheduler, worker)] == [None, None, None]
