"""Credentials that are revoked while a build runs: a line that says so, and the next run goes on with good ones."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.emulator.faults import FaultKind, Faults

Noldo = Callable[..., Any]
"""Runs `noldo ARGUMENTS...` to its end, see tests/conftest.py."""


def test_revoked_credentials_end_the_build_and_lose_nothing(
    noldo: Noldo,
    small_run: tuple[Path, Any],
    small_recipe: Path,
    tmp_path: Path,
    serve_small_planet: Callable[..., Any],
    small_planet_url: str,
    build_here: Callable[..., Any],
    same_as: Callable[[Path, Path], None],
) -> None:
    reference, _ = small_run
    run = tmp_path / "run"
    revoked = Faults(((FaultKind.REVOKED, 0.15),))
    with serve_small_planet(faults=revoked, fault_seed=3) as server:
        refused = noldo("build", small_recipe, "--out", run, "--workers", 2, "--set", f"source.url={server.url}")
        counts = server.traffic.counts()
    assert refused.status == 2, refused.err
    assert "Traceback" not in refused.err
    assert refused.err.rstrip().splitlines()[-1].startswith("noldo: the Earth Engine credentials were refused (")
    assert counts["requests"]["image:computePixels"] >= 1, "they were good at first"
    assert '"kind": "empty"' not in (run / "events.jsonl").read_text()
    build_here(run, small_planet_url)
    same_as(run, reference)
