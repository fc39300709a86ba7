from benchmarks.export import GOALS, ExportLoad, ExportRun, figures, reading_of, recipe_of
from benchmarks.process_meter import CpuTimes
from benchmarks.slots import Steady
from pipeline.funnel_step import FunnelStep

COUNTS = {
    "requests": {"value:compute": 30, "image:computePixels": 205, "discovery": 3, "algorithms": 3},
    "statuses": {"200": 200, "429": 5},
    "peak_concurrency": 40,
    "busy_slot_seconds": {"value:compute": 1.5, "image:computePixels": 80.0},
    "monotonic_s": 12.0,
}


def test_a_reading_counts_every_busy_slot_and_only_answers_that_succeeded() -> None:
    reading = reading_of(COUNTS, CpuTimes(2.0, 1.0))
    assert (reading.clock_s, reading.busy_slot_s, reading.answered) == (12.0, 81.5, 200)
    assert reading.client_cpu.total_s == 3.0


def test_requests_are_shared_out_over_locations_sampled_and_kept() -> None:
    steps = (
        FunnelStep("sample", 500, 500, ()),
        FunnelStep("seasons", 500, 220, ()),
        FunnelStep("export", 220, 200, ()),
    )
    matched = {**COUNTS, "requests": {"value:compute": 25, "discovery": 1}}
    peaks = {"driver_peak_bytes": 3 * 10**8, "worker_peak_bytes": 2 * 10**9}
    run = ExportRun(steps, [], matched, COUNTS, **peaks, seconds=9.0, judging=CpuTimes(5.0, 0.5))
    found = {f.name: f for f in figures(run, Steady(5.0, 0.96, 100, 20.0, 35.0, 20.0))}
    assert found["match requests a location"].value == 25 / 500
    assert found["pixel requests a kept location"].value == 235 / 220
    assert not found["pixel requests a kept location"].met
    assert found["share of slots busy"].met
    assert found["client CPU a location"].value == 55.0
    assert found["client CPU a location"].met
    assert found["filter by pixels, CPU a location"].value == 25.0
    assert not found["peak memory of a worker"].met
    assert found["refusals (429)"].value == 5
    assert found.keys() >= GOALS.keys()


def test_the_recipe_is_the_users_but_for_the_source() -> None:
    recipe = recipe_of(ExportLoad(count=10, latency_s=2.0, concurrency=12))
    assert recipe.sample.count == 10
    assert recipe.source.identity()["canned"]
    assert recipe.export.concurrency == 12
