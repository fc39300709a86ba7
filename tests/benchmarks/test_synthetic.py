from pathlib import Path

import pytest

from benchmarks.synthetic import SCENES, STUBS, HashedScenes, good
from pipeline.ledger import Outcome
from pipeline.match import match_part
from pipeline.parts import read_part, write_part
from pipeline.recipe import EmulatorSettings, Recipe
from pipeline.run_state import kept_tiles
from pipeline.sample import SampleSettings, sample
from pipeline.schema.layout import RunLayout
from pipeline.schema.records import ExportRecord, Location, Verdict
from pipeline.season_windows import SeasonSettings, season_slots
from pipeline.seasons import filter_seasons
from pipeline.sources.earthengine import emulator_spec
from pipeline.tasks.job import Job


@pytest.fixture(scope="module")
def locations() -> list[Location]:
    return sample(SampleSettings(count=300, seed=1))


def test_scenes_lie_in_their_window_and_are_the_same_every_time(locations: list[Location]) -> None:
    settings = SeasonSettings()
    slots = [slot for location in locations[:20] for slot in season_slots(location, settings, 0)]
    found = HashedScenes().find_scenes(slots, settings.limits)
    assert found == HashedScenes().find_scenes(slots, settings.limits)
    for slot, scenes in zip(slots, found, strict=True):
        assert len(scenes.s2) in (0, SCENES)
        assert all(slot.window.start <= scene.time < slot.window.end for scene in scenes.s2 + scenes.s1)


def test_as_many_are_kept_as_of_the_published_places(locations: list[Location]) -> None:
    matches = match_part(locations, SeasonSettings(), HashedScenes())
    verdicts = filter_seasons(locations, matches)
    assert sum(verdict.kept for verdict in verdicts) / len(verdicts) == pytest.approx(0.41, abs=0.1)


def test_every_kept_location_comes_out_of_the_last_stage(locations: list[Location], tmp_path: Path) -> None:
    run = RunLayout(tmp_path)
    recipe = Recipe(sample=SampleSettings(count=300, seed=1), source=EmulatorSettings())
    job = Job(run, recipe, emulator_spec("http://127.0.0.1:9"), None)
    write_part(run.table("sample", 0), Location, locations, "inputs")
    outcome = first = Outcome("sample", 0, "inputs", len(locations), made=True)
    for task in STUBS.values():
        outcome = task(job, outcome)
        assert outcome.made
    kept = [verdict.location_id for verdict in read_part(run.table("seasons", 0), Verdict) if verdict.kept]
    assert [record.location_id for record in read_part(run.table("export", 0), ExportRecord)] == kept
    assert kept_tiles(run, 1) == [(location_id, 0, row) for row, location_id in enumerate(kept)]
    outcome = first
    for task in STUBS.values():
        outcome = task(job, outcome)
        assert not outcome.made


def test_a_good_record_leaves_no_field_empty() -> None:
    record = good("a")
    assert record.kept
    assert all(
        len(seasons) == 4 for seasons in (record.s2_sums, record.s1_sums, record.s1_shift, record.s1_valid_share)
    )
