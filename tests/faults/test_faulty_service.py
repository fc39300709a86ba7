"""A service that fails in every way it can gives the same data as one that never fails."""

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.emulator.faults import TRANSIENT_KINDS, FaultKind, parse_faults
from pipeline.schema.layout import RunLayout

Noldo = Callable[..., Any]
"""Runs `noldo ARGUMENTS...` to its end, see tests/conftest.py."""

EVERY_KIND = parse_faults(",".join(f"{kind}:0.07" for kind in TRANSIENT_KINDS))

MORE_REQUESTS = "export.request_bands=16"
"""Four requests a location and more, so that every kind strikes."""

SEED = 7
"""Of the faults."""


def test_a_share_of_every_transient_fault_changes_nothing(
    noldo: Noldo,
    small_run: tuple[Path, Any],
    small_recipe: Path,
    tmp_path: Path,
    serve_small_planet: Callable[..., Any],
) -> None:
    _, reference = small_run
    with serve_small_planet(faults=EVERY_KIND, fault_seed=SEED) as server:
        ended = noldo(
            "build", small_recipe, "--out", tmp_path / "run", "--workers", 2, "--json",
            "--set", f"source.url={server.url}", "--set", MORE_REQUESTS,
        )  # fmt: skip
        counts = server.traffic.counts()
    assert ended.status == 0, ended.err
    assert ended.json["content_digest"] == reference.json["content_digest"]
    assert ended.json["funnel"] == reference.json["funnel"]
    events = [json.loads(line) for line in RunLayout(tmp_path / "run").events.read_text().splitlines()]
    kinds = Counter(event["kind"] for event in events if event["event"] == "attempt")
    assert kinds["transient"] > 0
    assert kinds["quota"] > 0
    assert set(counts["faults"]) == set(TRANSIENT_KINDS), "every kind struck this build"
    assert kinds["quota"] == counts["faults"][FaultKind.QUOTA] + counts["faults"][FaultKind.RATE]
    page = RunLayout(tmp_path / "run").live.read_text()
    for kind in ("quota", "transient"):
        told = re.search(rf'<tr id="failed-{kind}">.*?<td>(\d+)</td>', page)
        assert told is not None
        assert int(told[1]) == kinds[kind]


def test_a_service_that_is_not_there_is_named(noldo: Noldo, small_recipe: Path, tmp_path: Path) -> None:
    ended = noldo("build", small_recipe, "--out", tmp_path, "--set", "source.url=http://127.0.0.1:9")
    assert ended.status in (1, 2)
    assert "http://127.0.0.1:9" in ended.err
    last = [line for line in ended.err.splitlines() if line.startswith("noldo: ")]
    assert len(last) == 1
