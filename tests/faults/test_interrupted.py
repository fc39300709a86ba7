"""Ctrl-C, at whatever moment: one line, soon, no process left, and the next run goes on."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

Noldo = Callable[..., Any]
"""Runs `noldo ARGUMENTS...` to its end, see tests/conftest.py."""

pytestmark = pytest.mark.xdist_group("faults")

SOON_S = 40.0
"""Within seconds, on a machine that is not busy with other things."""

MOMENTS = (
    ('"event": "start"', "group"),
    ('"stage": "match", "part"', "group"),
    ('"stage": "export", "location_id"', "driver"),
    ('"stage": "quality", "part"', "group"),
    ('"stage": "pack", "part"', "driver"),
)
"""What has just been written down, and who hears of it: a terminal tells all processes, `kill -INT` the driver only."""


def test_ctrl_c_at_any_moment_ends_soon_in_one_line_and_leaves_no_process(
    noldo: Noldo,
    small_run: tuple[Path, Any],
    small_recipe: Path,
    tmp_path: Path,
    start_build: Callable[..., Any],
    all_ended: Callable[[list[psutil.Process]], None],
    same_as: Callable[[Path, Path], None],
) -> None:
    reference, ended = small_run
    for event, who in MOMENTS:
        build = start_build(small_recipe, tmp_path / "run")
        assert build.wait_for_event(event), build.said()
        everyone = build.children()
        if who == "group":
            os.killpg(build.process.pid, signal.SIGINT)
        else:
            build.process.send_signal(signal.SIGINT)
        assert build.wait(SOON_S) == 1
        assert build.ended_plainly().startswith("noldo: stopped; what was finished is kept")
        all_ended(everyone)
    last = noldo("build", small_recipe, "--out", tmp_path / "run", "--workers", 2, "--json")
    assert last.status == 0, last.err
    assert last.json["tallies"]["match"]["parts_reused"] == 3
    assert last.json["content_digest"] == ended.json["content_digest"]
    same_as(tmp_path / "run", reference)
