"""The batch script of docs/how-to/slurm.md, with stand-ins: a signal reaches the build, and its status the job."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from documentation.shown_commands import blocks

ROOT = Path(__file__).parents[2]

BUILD = """#!/bin/bash
echo "$@" > build
trap 'echo > told; exit 75' TERM
if [ -e short ]; then exit 3; fi
while :; do sleep 0.05; done
"""

OTHERS = """#!/bin/bash
echo "$0 $@" >> others
exec sleep 60
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command that runs the script in a folder of its own, with stand-ins first on the path."""
    page = ROOT / "docs" / "how-to" / "slurm.md"
    (text,) = [block.text for block in blocks(page, ROOT) if block.text.startswith("#!")]
    (tmp_path / "noldo.sbatch").write_text(text)
    for name, does in {"noldo": BUILD, "dask": OTHERS, "srun": OTHERS}.items():
        (tmp_path / name).write_text(does)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("USER", "me")
    monkeypatch.setenv("SLURM_JOB_ID", "1234567")
    return ["bash", str(tmp_path / "noldo.sbatch")]


def lines_of(path: Path, count: int) -> list[str]:
    latest = time.monotonic() + 20
    while not path.exists() or len(path.read_text().splitlines()) < count:
        assert time.monotonic() < latest, f"{path.name} was not started"
        time.sleep(0.02)
    return path.read_text().splitlines()


def test_the_end_of_the_job_is_told_to_the_build_and_waited_for(script: list[str], tmp_path: Path) -> None:
    job = subprocess.Popen(script, cwd=tmp_path)
    build, others = lines_of(tmp_path / "build", 1), lines_of(tmp_path / "others", 2)
    job.send_signal(signal.SIGTERM)
    assert job.wait(timeout=20) == 75
    assert (tmp_path / "told").exists()
    address = build[0].partition("--scheduler ")[2].split()[0]
    assert any(f"dask worker {address} " in line for line in others)
    assert any(f"dask scheduler --port {address.rpartition(':')[2]} " in line for line in others)


def test_a_build_that_fails_gives_the_job_its_status(script: list[str], tmp_path: Path) -> None:
    (tmp_path / "short").touch()
    assert subprocess.run(script, cwd=tmp_path, timeout=20, check=False).returncode == 3
