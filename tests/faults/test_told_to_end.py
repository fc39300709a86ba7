"""`timeout`, SLURM and a terminal that goes away: a build that is told to end leaves no process and goes on later."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest


@pytest.mark.parametrize(
    ("number", "everyone", "status"),
    [(signal.SIGTERM, False, 143), (signal.SIGHUP, True, 129)],
)
def test_a_build_that_is_told_to_end_ends_all_that_it_started(
    number: signal.Signals,
    everyone: bool,
    status: int,
    small_recipe: Path,
    tmp_path: Path,
    start_build: Callable[..., Any],
    all_ended: Callable[[list[psutil.Process]], None],
) -> None:
    build = start_build(small_recipe, tmp_path / "run", "--until", "export")
    assert build.wait_for_event('"stage": "match", "part"'), build.said()
    children = build.children()
    assert build.workers()
    assert build.emulators()
    if everyone:  # as `timeout` and batch systems do; the emulator has a group of its own
        os.killpg(build.process.pid, number)
    else:
        build.process.send_signal(number)
    assert build.wait(60.0) == status
    assert build.ended_plainly() == "noldo: stopped; what was finished is kept: run the same command again to go on"
    all_ended(children)
    last = json.loads(build.log().splitlines()[-1])
    assert (last["event"], last["why"], last["message"]) == ("stop", "stopped", f"ended by {number.name}")
