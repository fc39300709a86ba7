"""Ctrl-C, at whatever moment: one line, soon, no process left, and the next run goes on."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from pipeline.manifest.digest import digest_run
from pipeline.schema.layout import RunLayout

SOON_S = 40.0
"""Within seconds, on a machine that is not busy with other things."""

MOMENTS = (
    ('"event": "start"', "driver"),
    ('"stage": "export", "location_id"', "group"),
    ('"stage": "pack", "part"', "driver"),
)
"""What has just been written down, and who hears of it: a terminal tells all processes, `kill -INT` the driver only."""


def test_ctrl_c_at_any_moment_ends_soon_in_one_line_and_leaves_no_process(
    small_run: tuple[Path, Any],
    small_recipe: Path,
    tmp_path: Path,
    start_build: Callable[..., Any],
    all_ended: Callable[[list[psutil.Process]], None],
    small_planet_url: str,
    build_here: Callable[..., Any],
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
    _, ledger = build_here(tmp_path / "run", small_planet_url)
    assert ledger.tallies["match"].parts_reused == 3
    same_as(tmp_path / "run", reference)
    assert digest_run(RunLayout(tmp_path / "run")).dataset == ended.json["content_digest"]
