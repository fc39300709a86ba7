"""A build of which every process is killed at once, as by a batch system or a power cut, goes on to the same data."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.manifest.digest import digest_run
from pipeline.schema.layout import RunLayout


def test_killed_as_a_whole_and_resumed(
    small_run: tuple[Path, Any],
    small_recipe: Path,
    tmp_path: Path,
    start_build: Callable[..., Any],
    small_planet_url: str,
    build_here: Callable[..., Any],
    same_as: Callable[[Path, Path], None],
    all_ended: Callable[[list[Any]], None],
) -> None:
    reference, ended = small_run
    run = tmp_path / "run"
    build = start_build(small_recipe, run, "--set", f"source.url={small_planet_url}")
    assert build.wait_for_event('"stage": "export", "part"'), build.said()
    everyone = build.children()
    os.killpg(build.process.pid, signal.SIGKILL)
    build.wait()
    all_ended(everyone)
    _, ledger = build_here(run, small_planet_url)
    assert ledger.tallies["match"].parts_reused >= 1
    same_as(run, reference)
    assert digest_run(RunLayout(run)).dataset == ended.json["content_digest"]
