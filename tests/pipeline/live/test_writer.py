import os
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.live import writer
from pipeline.live.writer import LiveTimes, live_page
from pipeline.schema.layout import RunLayout

Log = Any

FAST = LiveTimes(first_s=0.0, every_s=0.01, share=1.0)


def until(true: Callable[[], bool]) -> None:
    latest = time.monotonic() + 20
    while not true():
        assert time.monotonic() < latest
        time.sleep(0.01)


def begin(log: Log) -> None:
    """Another run begins, with a stage."""
    log.time = datetime.now(UTC)
    log.add("start", recipe="nol", digest="d", until="manifest")
    log.add("stage", stage="export", locations=40)


def text(run: RunLayout) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", run.live.read_text().partition("<body>")[2]).split())


def test_it_is_written_while_a_build_runs_and_says_at_last_how_it_ended(under_way: tuple[RunLayout, Log]) -> None:
    run, log = under_way
    told: list[str] = []
    with live_page(run, told.append, FAST):
        assert not run.live.exists()
        begin(log)
        until(run.live.exists)
        assert 'data-state="running"' in run.live.read_text()
        log.attempt("quota")
        until(lambda: "Too many requests (429) 4" in text(run))
        log.add("stop", why="stopped", message="", seconds=1.0)
    assert told == [f"Live page: {run.live}"]
    assert 'data-state="ended"' in run.live.read_text()
    assert "Stopped by Ctrl-C or by a signal; the same command goes on" in text(run)
    assert [path.name for path in run.root.glob("live*")] == ["live.html"]
    assert not [thread for thread in threading.enumerate() if thread.name == "live page"]


def test_a_build_that_finds_nothing_to_do_writes_no_page(under_way: tuple[RunLayout, Log]) -> None:
    run, log = under_way
    told: list[str] = []
    for page in (None, "how an earlier build ended"):
        if page is not None:
            run.live.write_text(page)
        with live_page(run, told.append, FAST):
            log.time = datetime.now(UTC)
            log.add("start", recipe="nol", digest="d", until="manifest")
            time.sleep(0.1)
            log.add("stop", why="finished", message="", seconds=1.0)
        assert told == []
        assert (run.live.read_text() if run.live.exists() else None) == page


def test_a_page_that_a_killed_build_left_is_put_right_by_the_next(under_way: tuple[RunLayout, Log]) -> None:
    run, log = under_way
    assert writer._Page(run, print, FAST)._try(running=True)
    log.add("stop", why="finished", message="", seconds=1.0)
    with live_page(run, lambda _: None, LiveTimes(first_s=60.0)):
        pass
    assert "Finished" in text(run)


def test_whatever_goes_wrong_with_it_is_told_once_and_disturbs_nothing(
    under_way: tuple[RunLayout, Log], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, log = under_way
    tries = []

    def fails(*_: Any) -> None:
        tries.append(1)
        raise RuntimeError("no room")

    told: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(writer, "write_bytes", fails)
        with live_page(run, told.append, FAST):
            begin(log)
            until(lambda: len(tries) > 2)
    assert told == ["the live page cannot be written (no room); the build goes on without it"]
    with pytest.raises(KeyError), live_page(run, told.append, FAST):
        raise KeyError("the build's own error")


def test_a_page_that_takes_long_is_written_more_rarely(
    under_way: tuple[RunLayout, Log], monkeypatch: pytest.MonkeyPatch
) -> None:
    def heavy(*_: Any, **__: Any) -> str:
        end = time.thread_time() + 0.05
        while time.thread_time() < end:
            pass
        return ""

    run, _ = under_way
    monkeypatch.setattr(writer, "render", heavy)
    page = writer._Page(run, lambda _: None, LiveTimes(every_s=1.0, share=0.01))
    assert page._pause_s() == 1.0
    assert page._try(running=True)
    assert page._pause_s() >= 5.0
    assert page._next_s == 1.0  # as the page that is open was promised; the next one promises what this one took
    assert page._try(running=True)
    assert page._next_s >= 5.0


def test_in_object_storage_it_is_written_rarely_and_without_pictures(
    bucket: Callable[[], Any], under_way: tuple[RunLayout, Log], stage: Callable[..., None]
) -> None:
    here, _ = under_way
    run = RunLayout(bucket())
    for path in (here.recipe, here.events):
        (run.root / path.name).write_bytes(path.read_bytes())
    page = writer._Page(run, lambda _: None, LiveTimes())
    assert page._try(running=True)
    assert page._pause_s() == 60.0
    said = run.live.read_text()
    assert "20" in said
    assert "No pixels have been staged on this disk yet" in said


def test_it_is_replaced_at_once(under_way: tuple[RunLayout, Log]) -> None:
    run, _ = under_way
    page = writer._Page(run, lambda _: None, FAST)
    assert page._try(running=True)
    with run.live.open() as reading:
        assert page._try(running=True)
        assert os.fstat(reading.fileno()).st_ino != Path(run.live).stat().st_ino
        assert reading.read().rstrip().endswith("</html>")
