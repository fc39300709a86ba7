"""A build that is killed goes on from what it had committed, and ends in the same data."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Noldo = Callable[..., Any]
"""Runs `noldo ARGUMENTS...` to its end, see tests/conftest.py."""

pytestmark = pytest.mark.xdist_group("faults")


def start(recipe: Path, out: Path) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).parent / "noldo"), "build", str(recipe), "--out", str(out), "--workers", "2"]
    return subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=dict(os.environ)
    )


def wait_for(pattern: str, out: Path, build: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        if any(out.glob(pattern)):
            return
        assert build.poll() is None, "the build ended before it could be killed"
        time.sleep(0.05)
    raise AssertionError(f"{pattern} did not appear")


@pytest.mark.parametrize("moment", ["tables/match/part-*.parquet", "tables/export/part-*.parquet"])
def test_killed_and_resumed(
    noldo: Noldo, small_run: tuple[Path, Any], small_recipe: Path, tmp_path: Path, moment: str
) -> None:
    _, reference = small_run
    build = start(small_recipe, tmp_path)
    try:
        wait_for(moment, tmp_path, build)
    finally:
        os.killpg(build.pid, signal.SIGKILL)
        build.communicate()
    time.sleep(1.0)
    ended = noldo("build", small_recipe, "--out", tmp_path, "--workers", 2, "--json")
    assert ended.status == 0, ended.err
    assert ended.json["content_digest"] == reference.json["content_digest"]
    assert ended.json["tallies"]["match"]["parts_reused"] >= 1
    assert list(tmp_path.rglob("*.tmp-*")) == []


def test_ctrl_c_ends_in_one_line_and_leaves_no_process(small_recipe: Path, tmp_path: Path) -> None:
    build = start(small_recipe, tmp_path)
    try:
        wait_for("tables/match/part-*.parquet", tmp_path, build)
        os.killpg(build.pid, signal.SIGINT)
        _, said = build.communicate(timeout=60)
    finally:
        if build.poll() is None:
            os.killpg(build.pid, signal.SIGKILL)
            build.wait()
    assert build.returncode == 1
    assert said.decode().rstrip().splitlines()[-1].startswith("noldo: stopped; what was finished is kept")
    assert b"Traceback" not in said
    assert ended_within(10.0, build.pid), "a process of the build lives on"


def ended_within(seconds: float, group: int) -> bool:
    """Whether the last process of a group ends in time."""
    for _ in range(int(seconds / 0.1)):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False
