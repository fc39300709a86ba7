"""A build from expert tiles that is killed, or whose service fails, comes to the same data."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.emulator.faults import parse_faults
from pipeline.manifest.digest import digest_run
from pipeline.schema.layout import RunLayout

FAULTS = parse_faults("429:0.05,503:0.05,reset:0.05,truncate:0.05")

SEED = 5
"""Of the faults."""


def digest(run: Path) -> str:
    return digest_run(RunLayout(run)).dataset


def test_one_request_in_five_fails(
    dw_run: Path,
    tmp_path: Path,
    build_dw_here: Callable[..., Any],
    serve_small_planet: Callable[..., Any],
    same_as: Callable[[Path, Path], None],
) -> None:
    with serve_small_planet(faults=FAULTS, fault_seed=SEED) as server:
        _, ledger = build_dw_here(tmp_path / "run", server.url)
        struck = server.traffic.counts()["faults"]
    assert sum(struck.values()) >= 2
    assert ledger.failures == []
    same_as(tmp_path / "run", dw_run)
    assert digest(tmp_path / "run") == digest(dw_run)


def test_killed_as_a_whole_and_resumed(
    dw_run: Path,
    dw_recipe: Path,
    tmp_path: Path,
    start_build: Callable[..., Any],
    small_planet_url: str,
    build_dw_here: Callable[..., Any],
    same_as: Callable[[Path, Path], None],
    all_ended: Callable[[list[Any]], None],
) -> None:
    run = tmp_path / "run"
    build = start_build(dw_recipe, run, "--workers", 1, "--set", f"source.url={small_planet_url}")
    assert build.wait_for_event('"stage": "fetch", "part"'), build.said()
    everyone = build.children()
    os.killpg(build.process.pid, signal.SIGKILL)
    build.wait()
    all_ended(everyone)
    _, ledger = build_dw_here(run, small_planet_url)
    assert ledger.tallies["pair"].parts_reused >= 1
    same_as(run, dw_run)
    assert digest(run) == digest(dw_run)
