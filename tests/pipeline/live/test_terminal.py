import fcntl
import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pipeline.live.look import Look
from pipeline.live.terminal import watch, watch_json
from pipeline.schema.errors import UsageError
from pipeline.schema.layout import PretrainLayout, RunLayout

Log = Any


@contextmanager
def held(run: RunLayout) -> Iterator[None]:
    """As a build holds its folder."""
    with (Path(run.root) / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_lines_where_nothing_can_be_redrawn_and_the_whole_at_the_end(under_way: tuple[RunLayout, Log]) -> None:
    run, log = under_way
    out = io.StringIO()
    with held(run):
        look = Look(run, "runs/nol")
        again = look.again
    looks = 0

    def look_again() -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            log.add("stop", why="finished", message="", seconds=1.0)
            again()
            return
        with held(run):
            again()

    look.again = look_again  # type: ignore[method-assign]
    watch(look, Console(file=out, width=200), every_s=0.01)
    said = out.getvalue()
    first, rest = said.split("\n", 1)
    assert "seasons 20 of 40" in first
    assert "16 requests (3 quota, 2 transient, 1 permanent); 3 locations still to be had; 140 EECU-s" in first
    assert "\x1b" not in said
    assert rest.startswith("runs/nol: recipe 'nol'")
    assert "Not running; finished" in rest
    assert "16 sent, 6 of them failed (3 quota, 2 transient, 1 permanent)" in rest


def test_json_is_a_line_for_every_look(under_way: tuple[RunLayout, Log]) -> None:
    run, _ = under_way
    said: list[str] = []
    with held(run):
        look = Look(run, "runs/nol")
    watch_json(look, said.append, every_s=0.01)
    assert [json.loads(line)["running"] for line in said] == [True, False]


def test_a_killed_build_is_told(under_way: tuple[RunLayout, Log]) -> None:
    assert "the last run was killed; the same command goes on" in "\n".join(Look(under_way[0], "runs/nol").lines())


def test_pretraining_is_a_stage_of_epochs(under_way: tuple[RunLayout, Log]) -> None:
    run, _ = under_way
    layout = PretrainLayout(Path(run.pretrain))
    layout.root.mkdir()
    layout.record.write_text(json.dumps({"settings": {"epochs": 40}}))
    layout.log.write_text('{"epoch": 10, "train_loss": 2.5}\n')
    look = Look(run, "runs/nol")
    assert "pretrain  ██████··················       10 of 40 (25.0%)" in "\n".join(look.lines())
    assert "pretrain 10 of 40" in look.line()
    assert look.plain()["stages"][-1]["done"] == 10


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no run"):
        Look(RunLayout(tmp_path), "here")


def test_each_look_reads_only_what_is_new(under_way: tuple[RunLayout, Log]) -> None:
    run, log = under_way
    look = Look(run, "runs/nol")
    assert look.status.requests == 16
    log.attempt("quota")
    with run.events.open("a") as file:
        file.write('{"time": "2026-04-')
    look.again()
    assert (look.status.requests, dict(look.status.failed_requests)["quota"]) == (17, 4)
    look.again()
    assert look.status.requests == 17


def test_a_terminal_is_redrawn_in_place_and_left_quietly_by_ctrl_c(under_way: tuple[RunLayout, Log]) -> None:
    run, log = under_way
    inside, outside = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "60"}
    command = [str(Path(sys.executable).parent / "noldo"), "status", str(run.root), "--watch"]
    with (
        held(run),
        subprocess.Popen(
            command, stdin=outside, stdout=outside, stderr=outside, env=environment, close_fds=True
        ) as process,
    ):
        os.close(outside)
        seen = _read_until(inside, lambda text: "16 sent" in text)
        log.attempt("quota")
        seen += _read_until(inside, lambda text: "17 sent" in text)
        assert "16 sent" in seen
        assert "17 sent" in seen
        assert re.search(r"\x1b\[\d*A", seen)  # the cursor goes up: nothing scrolls
        assert "\x1b[2J" not in seen  # nor is the whole screen wiped
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        left = _read_until(inside, lambda _: False, seconds=1)
        assert "stopped" not in left
        assert "Traceback" not in left
    os.close(inside)


def _read_until(terminal: int, enough: Callable[[str], bool], seconds: float = 30) -> str:
    text, latest = "", time.monotonic() + seconds
    while not enough(text) and time.monotonic() < latest:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                text += os.read(terminal, 65536).decode(errors="replace")
            except OSError:  # nobody is at the other end any more
                break
    return text
