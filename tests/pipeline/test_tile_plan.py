import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline.plan import Assumptions
from pipeline.schema.strict import validated
from pipeline.tile_plan import PAIRED, estimate_tiles
from pipeline.tile_recipe import DwRecipe


def recipe(folder: Path | str, **keys: Any) -> DwRecipe:
    plain = {"kind": "dw", "experts": {"folder": str(folder)}, "source": {"kind": "emulator"}, **keys}
    return validated(DwRecipe, plain, where="dw.yaml")


def test_the_whole_set_before_any_label_is_there(tmp_path: Path) -> None:
    plan = estimate_tiles(recipe(tmp_path / "later"), Assumptions(survive=PAIRED))
    assert (plan.tiles, plan.counted, plan.paired, plan.pixel_requests) == (4_603, False, 3_914, 3_914)
    assert plan.scene_queries == plan.parts == 72
    assert plan.bytes_a_tile == 510 * 510 * (13 * 2 + 2 * 4)
    assert plan.months is None
    assert estimate_tiles(recipe(tmp_path, budget={"eecu_hours": 1}), Assumptions()).tiles == 0


def test_the_estimate_is_what_a_build_then_counts(dw_run: Path, expert_tiles: Path) -> None:
    plan = estimate_tiles(recipe(expert_tiles, part_tiles=3, store={"shard_rows": 3}), Assumptions(survive=7 / 8))
    events = [json.loads(line) for line in (dw_run / "events.jsonl").read_text().splitlines()]
    attempts = [e for e in events if e["event"] == "attempt"]
    counted = Counter(e["stage"] for e in attempts)
    assert (plan.tiles, plan.counted) == (8, True)
    assert (plan.scene_queries, plan.pixel_requests) == (counted["pair"], counted["fetch"])
    down = sum(e["received_bytes"] for e in attempts if e["stage"] in ("pair", "fetch"))
    assert plan.bytes_down == pytest.approx(down, rel=0.005)
    staged = sum(path.stat().st_size for path in (dw_run / "tiles").rglob("*.npz"))
    assert plan.staging_bytes == pytest.approx(staged, rel=0.005)
    stored = sum(path.stat().st_size for path in (dw_run / "store").rglob("*") if path.is_file())
    assert plan.store_bytes == pytest.approx(stored, rel=0.1)
