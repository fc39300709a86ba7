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
        command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ)
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
        build.wait()
    time.sleep(1.0)
    ended = noldo("build", small_recipe, "--out", tmp_path, "--workers", 2, "--json")
    assert ended.status == 0, ended.err
    assert ended.json["content_digest"] == reference.json["content_digest"]
    assert ended.json["tallies"]["match"]["parts_reused"] >= 1
    assert list(tmp_path.rglob("*.tmp-*")) == []
