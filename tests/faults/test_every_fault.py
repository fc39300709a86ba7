"""A fifth of all requests fail in one way: the same tables, the same pixels, nothing told as missing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.emulator.faults import TRANSIENT_KINDS, FaultKind, Faults
from pipeline.manifest.digest import digest_run
from pipeline.schema.layout import RunLayout

SEED = 7
"""Of the faults."""

SHARE = 0.2

MORE_REQUESTS = "export.request_bands=16"
"""Four requests a location and more, so that every kind strikes."""


def asked(counts: dict[str, Any]) -> int:
    """Compute requests that arrived."""
    return sum(number for name, number in counts["requests"].items() if ":" in name)


@pytest.mark.parametrize("kind", TRANSIENT_KINDS)
def test_a_fifth_of_all_requests_fails_and_nothing_changes(
    kind: FaultKind,
    serve_small_planet: Callable[..., Any],
    small_run: tuple[Path, Any],
    tmp_path: Path,
    build_here: Callable[..., Any],
    same_as: Callable[[Path, Path], None],
) -> None:
    reference, ended = small_run
    faults = Faults(((kind, SHARE),), slow_s=0.05)
    with serve_small_planet(faults=faults, fault_seed=SEED) as server:
        funnel, ledger = build_here(tmp_path / "run", server.url, MORE_REQUESTS)
        counts = server.traffic.counts()
    assert counts["faults"].keys() == {kind}
    assert 0.1 < counts["faults"][kind] / asked(counts) < 0.35
    assert [(step.stage, step.kept, step.reasons) for step in funnel] == [
        (step["stage"], step["kept"], tuple(tuple(reason) for reason in step["reasons"]))
        for step in ended.json["funnel"]
    ]
    same_as(tmp_path / "run", reference)
    assert digest_run(RunLayout(tmp_path / "run")).dataset == ended.json["content_digest"]
    assert ledger.failures == []
    retried = sum(tally.retried for tally in ledger.tallies.values())
    assert retried >= (0 if kind is FaultKind.SLOW else counts["faults"][kind] / 2)
    if kind is FaultKind.TRUNCATE:
        assert sum(counts["truncated_unnoticed"].values()) >= 2, "only the content can tell that these are cut"
