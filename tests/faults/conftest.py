"""What the fault tests share: builds as processes of their own, and what tells that nothing was lost or doubled."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest

LEFTOVERS = ("*.tmp-*", "*.partial", "*.building*")
"""Names of files that are only there while something is being written."""

ENDING_S = 30.0
"""How long the last process of a build may take to end, on a busy machine."""


@dataclass
class Build:
    """A running `noldo build`, in a session of its own."""

    process: "subprocess.Popen[bytes]"
    errors: Path
    events: Path
    known_bytes: int
    """Of the event log, when it began."""

    def children(self) -> list[psutil.Process]:
        """Every process that it has started and that lives."""
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def workers(self) -> list[psutil.Process]:
        """Its Dask workers."""
        return [child for child in self.children() if "spawn_main" in command_line(child)]

    def emulators(self) -> list[psutil.Process]:
        """The emulator that it has started."""
        return [child for child in self.children() if "pipeline.emulator" in command_line(child)]

    def said(self) -> str:
        """What it has written to standard error."""
        return self.errors.read_text()

    def log(self) -> str:
        """What it has added to the event log."""
        try:
            return self.events.read_bytes()[self.known_bytes :].decode(errors="replace")
        except FileNotFoundError:
            return ""

    def wait_for_event(self, text: str, seconds: float = 300.0) -> bool:
        """Wait until its part of the event log has `text`; False where it ends before."""
        latest = time.monotonic() + seconds
        while text not in self.log():
            if self.process.poll() is not None:
                return False
            assert time.monotonic() < latest, f"{text} did not happen"
            time.sleep(0.02)
        return True

    def wait(self, seconds: float = 600.0) -> int:
        """Its exit status, once it has ended."""
        return self.process.wait(seconds)

    def ended_plainly(self) -> str:
        """The one or two lines that it ended with."""
        said = self.said()
        assert "Traceback" not in said, said
        lines = said.rstrip().splitlines()
        first = next((at for at, line in enumerate(lines) if line.startswith("noldo: ")), None)
        assert first is not None, said
        assert len(lines) - first <= 2, said
        return "\n".join(lines[first:])


def command_line(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def lives(process: psutil.Process) -> bool:
    """Whether it still runs; one that has ended may be left for its parent to ask after, who may be dead."""
    with contextlib.suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


StartBuild = Callable[..., Build]
"""`start_build(recipe, out, *arguments)`."""


@pytest.fixture
def start_build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartBuild]:
    """Start builds; whatever of them lives at the end of the test is killed."""
    started: list[tuple[Build, list[psutil.Process]]] = []
    folder = tmp_path_factory.mktemp("builds")

    def start(recipe: Path, out: Path, *arguments: object) -> Build:
        errors, events = folder / f"{len(started)}.txt", out / "events.jsonl"
        command = [str(Path(sys.executable).parent / "noldo"), "build", str(recipe), "--out", str(out)]
        with errors.open("wb") as log:
            process = subprocess.Popen(
                [*command, "--workers", "2", *map(str, arguments)],
                start_new_session=True,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**os.environ, "no_proxy": "127.0.0.1,localhost", "OMP_NUM_THREADS": "1"},
            )
        build = Build(process, errors, events, events.stat().st_size if events.exists() else 0)
        started.append((build, []))
        return build

    yield start
    for build, _ in started:
        left = build.children()
        if build.process.poll() is None:
            build.process.kill()
            build.process.wait()
        for child in left:
            with contextlib.suppress(psutil.Error):
                child.kill()


@pytest.fixture
def all_ended() -> Callable[[list[psutil.Process]], None]:
    """Assert that these processes end by themselves, and soon."""

    def check(processes: list[psutil.Process]) -> None:
        latest = time.monotonic() + ENDING_S
        while alive := [process for process in processes if lives(process)]:
            assert time.monotonic() < latest, [command_line(process) for process in alive]
            time.sleep(0.02)

    return check


@pytest.fixture
def kill() -> Callable[[psutil.Process], None]:
    """SIGKILL, which nobody can prepare for."""

    def send(process: psutil.Process) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)

    return send


@pytest.fixture
def same_as() -> Callable[[Path, Path], None]:
    """Assert that a finished run holds what another holds: every table, its manifest to the byte, nothing besides."""

    def check(run: Path, other: Path) -> None:
        left = [path for pattern in LEFTOVERS for path in run.rglob(pattern)]
        assert left == []
        found, expected = tables(run), tables(other)
        assert found.keys() == expected.keys()
        for name, rows in expected.items():
            assert found[name] == rows, name
        manifests = [{path.name: path.read_bytes() for path in (one / "manifest").iterdir()} for one in (run, other)]
        assert manifests[0] == manifests[1]
        index = pq.read_table(run / "manifest" / "index.parquet").to_pylist()
        assert len({(row["location_id"], row["season"]) for row in index}) == len(index)

    return check


def tables(run: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of every table part, by its path."""
    parts = sorted((run / "tables").rglob("*.parquet"))
    return {str(part.relative_to(run)): pq.ParquetFile(part).read().to_pylist() for part in parts}
