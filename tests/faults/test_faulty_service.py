"""A service that fails in every way it can gives the same data as one that never fails."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.schema.layout import RunLayout

Noldo = Callable[..., Any]
"""Runs `noldo ARGUMENTS...` to its end, see tests/conftest.py."""

pytestmark = pytest.mark.xdist_group("faults")

EVERY_KIND = "429:0.1,503:0.1,reset:0.1,truncate:0.1,slow:0.1"


def test_ten_per_cent_of_every_fault_changes_nothing(
    noldo: Noldo, small_run: tuple[Path, Any], small_recipe: Path, tmp_path: Path
) -> None:
    _, reference = small_run
    ended = noldo(
        "build", small_recipe, "--out", tmp_path, "--workers", 2, "--json", "--set", f"source.faults='{EVERY_KIND}'"
    )
    assert ended.status == 0, ended.err
    assert ended.json["content_digest"] == reference.json["content_digest"]
    assert ended.json["funnel"] == reference.json["funnel"]
    events = [json.loads(line) for line in RunLayout(tmp_path).events.read_text().splitlines()]
    kinds = Counter(event["kind"] for event in events if event["event"] == "attempt")
    assert kinds["transient"] + kinds["quota"] > 0


def test_a_service_that_is_not_there_is_named(noldo: Noldo, small_recipe: Path, tmp_path: Path) -> None:
    ended = noldo("build", small_recipe, "--out", tmp_path, "--set", "source.url=http://127.0.0.1:9")
    assert ended.status in (1, 2)
    assert "http://127.0.0.1:9" in ended.err
    last = [line for line in ended.err.splitlines() if line.startswith("noldo: ")]
    assert len(last) == 1
