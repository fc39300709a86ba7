"""What a part's export leaves behind where it is cut short or fails, and how a later run goes on."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.ledger import Outcome
from pipeline.parts import part_inputs, read_part, write_part
from pipeline.recipe import Recipe
from pipeline.schema.errors import FailureKind, SourceError
from pipeline.schema.grid import patch_grid
from pipeline.schema.layout import RunLayout
from pipeline.schema.records import Arrays, ExportRecord, Location, SeasonMatch, Verdict
from pipeline.sources.earthengine import emulator_spec
from pipeline.sources.protocol import PixelRequest
from pipeline.staging import free_rows, read_tiles, tile_inputs, tile_rows
from pipeline.tasks import export
from pipeline.tasks.job import Job

IDS = [f"p{i}" for i in range(6)]
DROPPED = "p2"
KEPT = [i for i in IDS if i != DROPPED]
NOW = datetime(2021, 6, 21, tzinfo=UTC)
FILTERED = Outcome("seasons", 0, "filtered", len(IDS), made=True)


class Killed(BaseException):
    """Stands for a worker that is killed."""


class Pixels:
    """A source of 8 x 8 pixels drawn from the location's id, but what is set to fail."""

    def __init__(self) -> None:
        self.failing: dict[str, BaseException] = {}
        self.asked: list[str] = []
        self.lock = threading.Lock()

    def __call__(self, *_: Any, **__: Any) -> "Pixels":
        if "" in self.failing:
            raise self.failing[""]
        return self

    def fetch_pixels(self, request: PixelRequest) -> Arrays:
        with self.lock:
            self.asked.append(request.location_id)
        if request.location_id in self.failing:
            raise self.failing[request.location_id]
        rng, arrays = np.random.default_rng(int(request.location_id[1:])), {}
        for layer in request.layers:
            for name in layer.names:
                drawn = rng.integers(0, 9, (8, 8))
                arrays[name] = (drawn - 20 if layer.dtype == "float32" else drawn).astype(layer.dtype)
        return arrays

    def since(self) -> list[str]:
        """The locations asked for since the last call of this."""
        asked, self.asked = sorted(self.asked), []
        return asked


@pytest.fixture
def pixels(monkeypatch: pytest.MonkeyPatch) -> Pixels:
    source = Pixels()
    monkeypatch.setattr(export, "EarthEngineSource", source)
    return source


@pytest.fixture
def job(tmp_path: Path) -> Job:
    recipe = Recipe.model_validate(
        {"sample": {"count": 6}, "source": {"kind": "emulator"}, "export": {"concurrency": 1}}
    )
    run = RunLayout(tmp_path)
    places = [Location(i, 10.0, 48.0, patch_grid(10, 48, 8)) for i in IDS]
    matches = [
        SeasonMatch(i, n, f"S2/{i}{n}", NOW, 1.0, "03.00", "32UNU", f"S1/{i}{n}", NOW, "ASCENDING", 1, f"DW/{i}{n}")
        for i in IDS
        for n in range(4)
    ]
    write_part(run.table("sample", 0), Location, places, "sampled")
    write_part(run.table("match", 0), SeasonMatch, matches, "matched")
    filtered(run, {DROPPED})
    return Job(run, recipe, emulator_spec("http://127.0.0.1:1"), None)


def filtered(run: RunLayout, dropped: set[str]) -> None:
    verdicts = [Verdict(i, i not in dropped, "no DW label" if i in dropped else "", "") for i in IDS]
    write_part(run.table("seasons", 0), Verdict, verdicts, "filtered")


def records(job: Job) -> list[ExportRecord]:
    return read_part(job.run.table("export", 0), ExportRecord)


def files(job: Job) -> dict[str, bytes]:
    tile = job.run.tile(0)
    return {p.relative_to(tile).as_posix(): p.read_bytes() for p in tile.rglob("*") if p.is_file()}


def same_as_undisturbed(job: Job, tmp_path: Path) -> bool:
    """Whether tile and table are those of a part that nothing disturbed."""
    other = replace(job, run=RunLayout(tmp_path / "undisturbed"))
    for stage in ("sample", "match", "seasons"):
        other.run.table(stage, 0).parent.mkdir(parents=True, exist_ok=True)
        other.run.table(stage, 0).write_bytes(job.run.table(stage, 0).read_bytes())
    export.export_task(other, FILTERED)
    return records(job) == records(other) and files(job) == files(other)


def test_a_part_is_fetched_once(pixels: Pixels, job: Job) -> None:
    first = export.export_task(job, FILTERED)
    assert (first.made, first.failures, pixels.since()) == (True, (), KEPT)
    again = export.export_task(job, FILTERED)
    assert (again.made, again.inputs, pixels.since()) == (False, first.inputs, [])
    assert records(job) == [ExportRecord(i, row, None, "") for row, i in enumerate(KEPT)]
    assert [patch.location_id for patch in read_tiles(job.run.tile(0), range(5))] == KEPT


@pytest.mark.parametrize("at", KEPT)
def test_a_part_that_was_cut_short_goes_on_with_what_it_had(pixels: Pixels, job: Job, tmp_path: Path, at: str) -> None:
    pixels.failing = {i: Killed() for i in KEPT[KEPT.index(at) :]}
    with pytest.raises(Killed):
        export.export_task(job, FILTERED)
    assert part_inputs(job.run.table("export", 0)) is None
    (job.run.tile(0) / "s2" / "c.4.0.0.0.ab12.partial").write_bytes(b"cut short")
    had, _ = KEPT[: KEPT.index(at)], pixels.since()
    pixels.failing.clear()
    export.export_task(job, FILTERED)
    assert pixels.since() == [i for i in KEPT if i not in had]
    assert same_as_undisturbed(job, tmp_path)


@pytest.mark.parametrize("array", ["s2", "s1", "dw"])
def test_a_row_that_was_cut_short_is_not_believed(pixels: Pixels, job: Job, tmp_path: Path, array: str) -> None:
    export.export_task(job, FILTERED)
    pixels.since()
    job.run.table("export", 0).unlink()
    (chunk,) = (job.run.tile(0) / array).glob("c.1.*")
    chunk.write_bytes(chunk.read_bytes()[:-9])
    export.export_task(job, FILTERED)
    assert pixels.since() == [KEPT[1]]
    assert same_as_undisturbed(job, tmp_path)


@pytest.mark.parametrize("lost", ["row", "group", "tile"])
def test_pixels_that_were_deleted_are_fetched_again(pixels: Pixels, job: Job, tmp_path: Path, lost: str) -> None:
    first = export.export_task(job, FILTERED)
    pixels.since()
    tile = job.run.tile(0)
    if lost == "row":
        next((tile / "s1").glob("c.3.*")).unlink()
    elif lost == "group":
        (tile / "zarr.json").unlink()
    else:
        tile.rename(tmp_path / "elsewhere")
    again = export.export_task(job, FILTERED)
    assert pixels.since() == ([KEPT[3]] if lost == "row" else KEPT)
    assert (again.made, again.inputs) == (True, first.inputs)
    assert same_as_undisturbed(job, tmp_path)


def test_freed_pixels_are_not_fetched_again_even_where_the_table_is_lost(pixels: Pixels, job: Job) -> None:
    first = export.export_task(job, FILTERED)
    free_rows(job.run.tile(0), range(4))
    pixels.since()
    assert not export.export_task(job, FILTERED).made
    job.run.table("export", 0).unlink()
    again = export.export_task(job, FILTERED)
    assert (pixels.since(), again.inputs, again.failures) == ([], first.inputs, ())
    assert records(job) == [ExportRecord(i, row, None, "") for row, i in enumerate(KEPT)]


@pytest.mark.parametrize("kind", [FailureKind.TRANSIENT, FailureKind.QUOTA])
def test_what_may_pass_is_tried_again_by_the_next_run(
    pixels: Pixels, job: Job, tmp_path: Path, kind: FailureKind
) -> None:
    pixels.failing["p3"] = SourceError(kind, "p3 went wrong")
    failed = export.export_task(job, FILTERED)
    assert [(f.location_id, f.kind, f.message) for f in failed.failures] == [("p3", kind, "p3 went wrong")]
    pixels.since()
    pixels.failing.clear()
    again = export.export_task(job, FILTERED)
    assert (pixels.since(), again.failures) == (["p3"], ())
    assert again.inputs != failed.inputs, "what follows has a location more"
    assert same_as_undisturbed(job, tmp_path)


@pytest.mark.parametrize("kind", [FailureKind.PERMANENT, FailureKind.EMPTY])
def test_what_lasts_is_asked_for_again_only_on_request(
    pixels: Pixels, job: Job, tmp_path: Path, kind: FailureKind
) -> None:
    pixels.failing["p3"] = SourceError(kind, "p3 is not there")
    failed = export.export_task(job, FILTERED)
    told = [f.location_id for f in failed.failures]
    assert told == ([] if kind is FailureKind.EMPTY else ["p3"])
    pixels.since()
    again = export.export_task(job, FILTERED)
    assert (again.made, again.inputs, again.failures, pixels.since()) == (False, failed.inputs, failed.failures, [])
    pixels.failing.clear()
    last = export.export_task(replace(job, retry=frozenset({kind})), FILTERED)
    assert (last.made, last.failures, pixels.since()) == (True, (), ["p3"])
    assert same_as_undisturbed(job, tmp_path)


def test_other_inputs_leave_nothing_of_the_old_rows(pixels: Pixels, job: Job, tmp_path: Path) -> None:
    export.export_task(job, FILTERED)
    pixels.since()
    filtered(job.run, {"p0", "p1"})
    other = replace(FILTERED, inputs="filtered otherwise")
    pixels.failing["p4"] = SourceError(FailureKind.PERMANENT, "no")
    export.export_task(job, other)
    assert pixels.since() == ["p2", "p3", "p4", "p5"]
    assert tile_rows(job.run.tile(0)).present == {0, 1, 3}
    assert [r.tile_row for r in records(job)] == [0, 1, -1, 3]
    assert read_tiles(job.run.tile(0), [3])[0].location_id == "p5"


def test_a_part_of_which_nothing_is_kept_has_a_table_and_no_tile(pixels: Pixels, job: Job) -> None:
    export.export_task(job, FILTERED)
    filtered(job.run, set(IDS))
    none = export.export_task(job, replace(FILTERED, inputs="nothing passed"))
    assert (none.made, none.failures, records(job)) == (True, (), [])
    assert not job.run.tile(0).exists()
    assert tile_inputs(job.run.tile(0)) is None
    assert not export.export_task(job, replace(FILTERED, inputs="nothing passed")).made


def test_without_a_service_every_location_that_is_left_failed(pixels: Pixels, job: Job) -> None:
    pixels.failing[""] = SourceError(FailureKind.TRANSIENT, "no answer")
    outcome = export.export_task(job, FILTERED)
    assert [f.location_id for f in outcome.failures] == KEPT
    assert outcome.locations == 0
    pixels.failing.clear()
    assert export.export_task(job, FILTERED).failures == ()


def test_nothing_is_fetched_before_the_filter_has_spoken(pixels: Pixels, job: Job) -> None:
    outcome = export.export_task(job, replace(FILTERED, inputs=""))
    assert (outcome.made, outcome.inputs, pixels.since()) == (False, "", [])


def test_how_pixels_are_asked_for_decides_no_inputs(pixels: Pixels, job: Job) -> None:
    first = export.export_task(job, FILTERED).inputs

    def with_(**settings: Any) -> Job:
        return replace(
            job, recipe=job.recipe.model_copy(update={"export": job.recipe.export.model_copy(update=settings)})
        )

    how: list[Callable[[], Job]] = [
        lambda: with_(concurrency=7),
        lambda: with_(request_bands=16),
        lambda: with_(max_failed_share=0.5),
    ]
    assert [export.export_task(make(), FILTERED).inputs for make in how] == [first] * 3
    assert export.export_task(with_(radar_resampling="nearest"), FILTERED).inputs != first
