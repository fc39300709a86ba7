"""What a part's pairing leaves behind where some tiles are refused, and how a later run goes on."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.ledger import Outcome
from pipeline.parts import read_part, write_part
from pipeline.schema.errors import FailureKind, SourceError
from pipeline.schema.grid import PixelGrid
from pipeline.schema.layout import RunLayout
from pipeline.schema.records import S1Scene, S2Scene
from pipeline.schema.tiles import ExpertTile, TilePair
from pipeline.sources.earthengine import emulator_spec
from pipeline.sources.protocol import SceneLimits, SceneSlot, SlotScenes
from pipeline.tasks import pair
from pipeline.tasks.tile_job import TileJob
from pipeline.tile_recipe import DwRecipe

DAY = datetime(2019, 7, 4, tzinfo=UTC)
AGAIN = frozenset([FailureKind.PERMANENT])


class Scenes:
    """A scene of each sensor on every tile's day, but for tiles that are refused."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.closed = False

    def __call__(self, *_: Any, **__: Any) -> "Scenes":
        if self.closed:
            raise SourceError(FailureKind.PERMANENT, "the project is not registered")
        return self

    def find_scenes(self, slots: Sequence[SceneSlot], limits: SceneLimits) -> list[SlotScenes]:
        for slot in slots:
            if slot.location_id in self.refused:
                raise SourceError(FailureKind.PERMANENT, f"{slot.location_id} is refused")
        noon = DAY + timedelta(hours=12)
        s2, s1 = S2Scene("S2/one", noon, 3.0, "02.08", "33TWL", None), S1Scene("S1/one", noon, "ASCENDING", 44)
        return [SlotScenes(slot.location_id, slot.season, (s2,), (s1,)) for slot in slots]


@pytest.fixture
def scenes(monkeypatch: pytest.MonkeyPatch) -> Scenes:
    found = Scenes()
    monkeypatch.setattr(pair, "EarthEngineSource", found)
    return found


@pytest.fixture
def job(tmp_path: Path) -> TileJob:
    recipe = DwRecipe.model_validate({"experts": {"folder": tmp_path}, "source": {"kind": "emulator"}})
    return TileJob(RunLayout(tmp_path), recipe, emulator_spec("http://127.0.0.1:1"))


def indexed(job: TileJob, count: int) -> Outcome:
    grid = PixelGrid(32633, 500_000.0, 5_000_000.0, 510, 510)
    tiles = [ExpertTile(f"dw_{i:02d}", "train", DAY, grid, f"{i}.tif", "", "", "", (), 0) for i in range(count)]
    write_part(job.run.table("tiles", 0), ExpertTile, tiles, "indexed")
    return Outcome("tiles", 0, "indexed", count, made=True)


@pytest.mark.parametrize(("tiles", "refused"), [(1, 1), (2, 1), (2, 2), (16, 4)])
def test_a_refused_tile_is_written_down_and_stays_so_where_it_is_refused_once_more(
    scenes: Scenes, job: TileJob, tiles: int, refused: int
) -> None:
    before = indexed(job, tiles)
    scenes.refused = {f"dw_{i:02d}" for i in range(refused)}
    first = pair.pair_task(job, before)
    assert {failure.location_id for failure in first.failures} == scenes.refused
    assert first.inputs
    pairs = read_part(job.run.table("pair", 0), TilePair)
    assert [p.failure_kind is not None for p in pairs] == [p.tile_id in scenes.refused for p in pairs]
    again = pair.pair_task(replace(job, retry=AGAIN), before)
    assert (again.inputs, again.failures) == (first.inputs, first.failures)
    assert read_part(job.run.table("pair", 0), TilePair) == pairs
    scenes.refused = set()
    last = pair.pair_task(replace(job, retry=AGAIN), before)
    assert (last.made, last.failures) == (True, ())
    assert {p.s2_id for p in read_part(job.run.table("pair", 0), TilePair)} == {"S2/one"}


def test_a_service_that_lets_nobody_in_is_told_when_refusals_are_asked_for_again(scenes: Scenes, job: TileJob) -> None:
    before = indexed(job, 2)
    scenes.refused = {"dw_01"}
    pair.pair_task(job, before)
    scenes.closed = True
    again = pair.pair_task(replace(job, retry=AGAIN), before)
    assert (again.inputs, again.failures[0].message) == ("", "the project is not registered")
