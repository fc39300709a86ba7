from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.cluster.client import THREADS
from pipeline.plan import SURVIVE, TASKS_A_WORKER, Assumptions, estimate
from pipeline.recipe import Recipe
from pipeline.schema.errors import UsageError


def recipe(**keys: Any) -> Recipe:
    plain = {"sample": {"count": 251_079}, "source": {"kind": "earthengine", "project": "p"}, **keys}
    return Recipe.model_validate(plain)


def test_the_whole_data_set() -> None:
    plan = estimate(recipe(), Assumptions())
    assert (plan.locations, plan.parts, plan.survivors) == (251_079, 3_924, 103_793)
    # 3,924 parts of 256 seasons each, and the year before for any of them.
    assert plan.scene_queries == 2 * 3_924
    assert plan.pixel_requests == 103_793
    # 264 x 264 px of 60 bands of 16 bit (52 S2 as they are; 8 S1 of 32 bit) and 4 labels.
    assert plan.bytes_a_location == 264 * 264 * (52 * 2 + 8 * 4 + 4)
    assert plan.bytes_down == pytest.approx(1.018e12, rel=1e-2)
    assert plan.shards == 1_622
    assert TASKS_A_WORKER == THREADS


def test_the_probabilities_and_small_requests_follow_the_recipe() -> None:
    plain = estimate(recipe(), Assumptions())
    soft = estimate(recipe(export={"dw_probabilities": True}), Assumptions())
    assert soft.bytes_a_location - plain.bytes_a_location == 264 * 264 * 36
    assert soft.store_bytes > plain.store_bytes
    assert soft.files > plain.files
    pieces = estimate(recipe(export={"request_bands": 32}), Assumptions())
    assert pieces.requests_a_location == 2
    assert pieces.pixel_requests == 2 * plain.pixel_requests
    assert pieces.bytes_a_location == plain.bytes_a_location


def test_memory_grows_with_the_locations_under_way_beyond_the_slots_too() -> None:
    few, many = (estimate(recipe(export={"concurrency": n}, store={"shard_rows": 8}), Assumptions()) for n in (4, 12))
    assert many.worker_bytes - few.worker_bytes == TASKS_A_WORKER * 8 * many.bytes_a_location
    assert many.worker_bytes < 1e9


@pytest.mark.parametrize(
    ("assumed", "pace", "bound", "hours"),
    [
        (Assumptions(request_s=4, mbit_per_s=1e6), {"concurrent": 40}, "requests under way", 111_641 * 4 / 40 / 3600),
        (Assumptions(request_s=0.1, mbit_per_s=1e6), {"per_second": 50}, "requests a second", 111_641 / 50 / 3600),
        (Assumptions(mbit_per_s=100), {}, "network of 100", 22.6),
    ],
)
def test_what_bounds_the_time(assumed: Assumptions, pace: dict[str, int], bound: str, hours: float) -> None:
    plan = estimate(recipe(source={"kind": "earthengine", "project": "p", "pace": pace}), assumed)
    assert bound in plan.bound_by
    assert plan.hours == pytest.approx(hours, rel=0.01)


def test_a_budget_spreads_a_build_over_months() -> None:
    budget = {"eecu_hours": 100, "eecu_s_per_pixel_request": 36, "eecu_s_per_scene_query": 0}
    plan = estimate(recipe(budget=budget), Assumptions())
    assert plan.eecu_hours == pytest.approx(1037.93)
    assert plan.months == 11
    assert estimate(recipe(), Assumptions()).months is None


@settings(deadline=None, max_examples=30)
@given(count=st.integers(1, 2000), part=st.integers(1, 300), survive=st.floats(0, 1))
def test_estimates_are_whole_and_grow_with_the_sample(count: int, part: int, survive: float) -> None:
    assumed = Assumptions(survive=survive)
    plan = estimate(recipe(sample={"count": count}, part_locations=part), assumed)
    assert (plan.parts - 1) * part < count <= plan.parts * part
    assert 2 * max(plan.parts, count * 4 / 256) <= plan.scene_queries <= 2 * (plan.parts + count * 4 / 256)
    assert plan.survivors <= count
    more = estimate(recipe(sample={"count": count + 100}, part_locations=part), assumed)
    for figure in ("bytes_down", "pixel_requests", "hours", "eecu_hours", "staging_bytes", "files"):
        assert getattr(more, figure) >= getattr(plan, figure)


def test_a_region_that_cannot_be_read_is_told_before_anything_is_built(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"sample\.within: .*absent\.geojson"):
        estimate(recipe(sample={"count": 10, "within": tmp_path / "absent.geojson"}), Assumptions())


def test_the_paper_says_how_many_survive() -> None:
    assert pytest.approx(0.413, abs=1e-3) == SURVIVE
