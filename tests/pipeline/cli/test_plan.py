from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Noldo = Callable[..., Any]

NOL = Path(__file__).parents[3] / "recipes" / "nol.yaml"


def test_the_estimate_is_what_a_build_then_counts(
    noldo_here: Noldo, small_recipe: Path, small_run: tuple[Path, Any]
) -> None:
    _, built = small_run
    survivors = {step["stage"]: step["kept"] for step in built.json["funnel"]}["seasons"]
    tallies = built.json["tallies"]
    plan = noldo_here("plan", small_recipe, "--survive", survivors / 7, "--json").json
    assert plan["pixel_requests"] == tallies["export"]["requests"]
    assert plan["parts"] <= tallies["match"]["requests"] <= plan["scene_queries"]
    counted = sum(tally["received_bytes"] for stage, tally in tallies.items() if stage != "connect")
    assert plan["bytes_down"] == pytest.approx(counted, rel=0.005), "beside what any start costs"
    assert plan["store_bytes"] >= 0.8 * built.json["store_bytes"]


def test_the_whole_data_set_without_a_project_or_a_connection(noldo: Noldo, noldo_here: Noldo) -> None:
    told = noldo("plan", NOL)
    assert told.status == 0, told.err
    assert "251,079  in 3,924 parts of 64" in told.out
    plain = noldo_here("plan", NOL, "--json", "--set", "budget.eecu_hours=50").json
    assert plain["assumed"]["eecu_hours"] == 50
    assert plain["months"] > 1


def test_a_build_without_a_project_is_told_what_to_set(noldo_here: Noldo, tmp_path: Path) -> None:
    ended = noldo_here("build", NOL, "--out", tmp_path / "run", "--set", "sample.count=2", "--until", "match")
    assert ended.status == 2, ended.err
    assert "source.project" in ended.err
    assert len([line for line in ended.err.splitlines() if line.startswith("noldo: ")]) == 1
