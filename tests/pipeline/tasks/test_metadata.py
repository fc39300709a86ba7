"""What a part's matching leaves behind where some locations cannot be had, and how a later run goes on."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.ledger import Outcome
from pipeline.parts import part_inputs, read_part, write_part
from pipeline.recipe import Recipe
from pipeline.schema.errors import FailureKind, SourceError
from pipeline.schema.grid import patch_grid
from pipeline.schema.layout import RunLayout
from pipeline.schema.records import Location, S1Scene, S2Scene, SeasonMatch, Verdict
from pipeline.sources.earthengine import emulator_spec
from pipeline.sources.protocol import SceneLimits, SceneSlot, SlotScenes
from pipeline.tasks import metadata
from pipeline.tasks.job import Job

IDS = [f"p{i}" for i in range(5)]
SAMPLED = Outcome("sample", 0, "sampled", len(IDS), made=True)


class Scenes:
    """A scene of each sensor in every window, but what is set to fail."""

    def __init__(self) -> None:
        self.failing: dict[str, FailureKind] = {}
        self.asked: list[list[str]] = []

    def __call__(self, *_: Any, **__: Any) -> "Scenes":
        return self

    def find_scenes(self, slots: Sequence[SceneSlot], limits: SceneLimits) -> list[SlotScenes]:
        self.asked.append(sorted({slot.location_id for slot in slots}))
        for slot in slots:
            if slot.location_id in self.failing:
                raise SourceError(self.failing[slot.location_id], f"{slot.location_id} went wrong")
        return [self.slot(slot) for slot in slots]

    def slot(self, slot: SceneSlot) -> SlotScenes:
        noon, name = slot.window.centre, f"{slot.location_id}-{slot.season}"
        s2 = S2Scene(f"S2/{name}", noon, 3.0, "03.00", "32UNU", f"DW/{name}")
        s1 = S1Scene(f"S1/{name}", noon + timedelta(days=1), "ASCENDING", 44)
        return SlotScenes(slot.location_id, slot.season, (s2,), (s1,))


@pytest.fixture
def scenes(monkeypatch: pytest.MonkeyPatch) -> Scenes:
    found = Scenes()
    monkeypatch.setattr(metadata, "EarthEngineSource", found)
    return found


@pytest.fixture
def job(tmp_path: Path) -> Job:
    recipe = Recipe.model_validate({"sample": {"count": 5}, "source": {"kind": "emulator"}})
    run = RunLayout(tmp_path)
    write_part(run.table("sample", 0), Location, [Location(i, 10.0, 48.0, patch_grid(10, 48)) for i in IDS], "sampled")
    return Job(run, recipe, emulator_spec("http://127.0.0.1:1"), None)


def matches(job: Job) -> list[SeasonMatch]:
    return read_part(job.run.table("match", 0), SeasonMatch)


def verdicts(job: Job) -> dict[str, str]:
    return {v.location_id: v.reason for v in read_part(job.run.table("seasons", 0), Verdict)}


def test_a_whole_part_is_matched_once(scenes: Scenes, job: Job) -> None:
    first = metadata.match_task(job, SAMPLED)
    again = metadata.match_task(job, SAMPLED)
    assert (first.made, again.made, first.inputs) == (True, False, again.inputs)
    assert (first.failures, len(scenes.asked)) == ((), 1)
    assert metadata.seasons_task(job, first).made
    assert not metadata.seasons_task(job, again).made
    assert set(verdicts(job).values()) == {""}


def test_a_refused_location_is_written_down_and_the_others_go_on(scenes: Scenes, job: Job) -> None:
    scenes.failing = {"p3": FailureKind.PERMANENT}
    matched = metadata.match_task(job, SAMPLED)
    assert [(f.location_id, f.kind, f.message) for f in matched.failures] == [
        ("p3", FailureKind.PERMANENT, "p3 went wrong")
    ]
    assert [(m.location_id, m.season) for m in matches(job)] == [(i, s) for i in IDS for s in range(4)]
    metadata.seasons_task(job, matched)
    assert verdicts(job) == {**dict.fromkeys(IDS, ""), "p3": "scenes could not be had"}
    # The next run tells of it again and asks nothing.
    before = len(scenes.asked)
    assert metadata.match_task(job, SAMPLED) == replace(matched, made=False)
    assert len(scenes.asked) == before


def test_a_lasting_failure_can_be_asked_for_again_alone(scenes: Scenes, job: Job) -> None:
    scenes.failing = {"p3": FailureKind.PERMANENT}
    before = metadata.match_task(job, SAMPLED)
    metadata.seasons_task(job, before)
    scenes.failing, scenes.asked = {}, []
    after = metadata.match_task(replace(job, retry=frozenset([FailureKind.PERMANENT])), SAMPLED)
    assert scenes.asked == [["p3"]]
    assert (after.failures, after.made) == ((), True)
    assert after.inputs != before.inputs
    assert [(m.location_id, m.season) for m in matches(job)] == [(i, s) for i in IDS for s in range(4)]
    metadata.seasons_task(job, after)
    assert set(verdicts(job).values()) == {""}


@pytest.mark.parametrize("refused", [1, 4])
def test_what_is_refused_once_more_leaves_the_part_as_it_is(scenes: Scenes, job: Job, refused: int) -> None:
    ids = [f"q{i:02d}" for i in range(16)]
    places = [Location(i, 10.0, 48.0, patch_grid(10, 48)) for i in ids]
    write_part(job.run.table("sample", 0), Location, places, "sampled")
    scenes.failing = dict.fromkeys(ids[:refused], FailureKind.PERMANENT)
    before, found = metadata.match_task(job, SAMPLED), matches(job)
    assert {f.location_id for f in before.failures} == set(scenes.failing)
    after = metadata.match_task(replace(job, retry=frozenset([FailureKind.PERMANENT])), SAMPLED)
    assert replace(after, made=True) == before
    assert matches(job) == found


def test_a_service_that_lets_nobody_in_is_told_when_refusals_are_asked_for_again(
    scenes: Scenes, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes.failing = {"p3": FailureKind.PERMANENT}
    metadata.match_task(job, SAMPLED)

    def closed(*_: Any, **__: Any) -> Scenes:
        raise SourceError(FailureKind.PERMANENT, "the project is not registered")

    monkeypatch.setattr(metadata, "EarthEngineSource", closed)
    again = metadata.match_task(replace(job, retry=frozenset([FailureKind.PERMANENT])), SAMPLED)
    assert (again.inputs, again.failures[0].message) == ("", "the project is not registered")


def test_trouble_that_may_pass_leaves_no_part(scenes: Scenes, job: Job) -> None:
    scenes.failing = {"p1": FailureKind.TRANSIENT}
    matched = metadata.match_task(job, SAMPLED)
    assert {f.location_id for f in matched.failures} == set(IDS)
    assert part_inputs(job.run.table("match", 0)) is None
    assert metadata.seasons_task(job, matched).inputs == ""
    scenes.failing = {}
    assert metadata.match_task(job, SAMPLED).failures == ()
