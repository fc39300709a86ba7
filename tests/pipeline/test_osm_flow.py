"""SSL4EO-S12@OSM from small tiles and a land use that is planted good, bad and empty."""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
from rasterio.transform import Affine
from sklearn.metrics import accuracy_score

from pipeline.built_tiles import BuiltTiles, read_built_tiles
from pipeline.event_log import read_events
from pipeline.files import listed
from pipeline.funnel_step import FunnelStep
from pipeline.inspection import InspectionSettings, read_inspection
from pipeline.leakage import Place
from pipeline.ledger import Ledger
from pipeline.manifest.digest import digest_run
from pipeline.osm_flow import build_osm
from pipeline.osm_recipe import OsmRecipe
from pipeline.osm_state import dropped_tiles, osm_funnel, read_osm_tables
from pipeline.parts import read_part
from pipeline.schema.errors import FailureKind, NoldoError, SourceError
from pipeline.schema.grid import PixelGrid
from pipeline.schema.landcover import IGNORE, OSM_ADMITS
from pipeline.schema.layout import RunLayout
from pipeline.schema.osm_records import HandNote, OsmLabelled, SplitChoice
from pipeline.schema.paths import AnyPath
from pipeline.schema.strict import validated
from pipeline.status import read_status
from pipeline.tasks import osm_pack
from pipeline.tasks.osm_job import OsmJob
from pipeline.tile_arrays import open_tile_arrays, pad_tile
from pipeline.tile_store import write_tile_shard

TRAIN = {f"dw_train{at}": (-60.0 + 5 * at, 10.0 - 4 * at) for at in range(9)} | {"dw_near": (7.03, 46.0)}
TEST = {"dw_test0": (7.0, 46.0), "dw_test1": (30.0, 20.0), "dw_testbad": (40.0, 20.0)}
BAD, EMPTY, THIN = ("dw_train1", "dw_testbad"), ("dw_train2",), ("dw_train3",)


@dataclass
class Map:
    """A land use that admits the tile's own DW classes, but for the planted tiles; counts what it is asked."""

    tiles: BuiltTiles
    asked: list[str] = field(default_factory=list)
    failing: dict[str, BaseException] = field(default_factory=dict)

    def __call__(self, grid: PixelGrid, tile_id: str) -> np.ndarray:
        self.asked.append(tile_id)
        if tile_id in self.failing:
            raise self.failing[tile_id]
        dw = self.tiles.dw(next(tile for tile in self.tiles.tiles if tile.tile_id == tile_id))
        right = np.array([next(o for o in OSM_ADMITS if d in OSM_ADMITS[o]) for d in range(9)] + [1], np.uint8)
        osm = right[np.minimum(dw, 9)]
        if tile_id in BAD:
            osm = np.where(osm == 1, 7, 1).astype(np.uint8)
        osm[:, : 3 + len(tile_id) % 3] = 6
        osm[-2:] = IGNORE
        if tile_id in EMPTY:
            osm[:] = IGNORE
        if tile_id in THIN:
            osm[5:] = IGNORE
        return osm


RECIPE = {
    "tiles": "dw",
    "labels": {"kind": "wms", "url": "https://example.org/wms"},
    "agreement": {"min_coverage": 0.1},
    "split": {"test_tiles": 4, "separation_km": 5},
    "store": {"shard_rows": 2},
    "part_tiles": 4,
}


@dataclass(frozen=True)
class Built:
    job: OsmJob
    steps: tuple[FunnelStep, ...]
    asked: list[str]


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory, make_dw_run: Callable[..., RunLayout]) -> BuiltTiles:
    return read_built_tiles(make_dw_run(tmp_path_factory.mktemp("dw"), TRAIN, TEST).root)


@pytest.fixture(scope="module")
def build(tiles: BuiltTiles) -> Callable[..., Built]:
    """(folder, ask, until, about: fields of the job, **changed keys of the recipe) -> what a build came to."""

    def run(
        folder: AnyPath,
        ask: Map | None = None,
        until: str = "manifest",
        about: Mapping[str, Any] | None = None,
        **changed: object,
    ) -> Built:
        recipe = validated(OsmRecipe, {**RECIPE, **changed}, "recipe")
        job = OsmJob(
            **{"run": RunLayout(folder), "recipe": recipe, "tiles": tiles, "labels_from": "the map", **(about or {})}
        )
        asking = ask or Map(tiles)
        steps = build_osm(job, asking, Ledger(job.run.events, lambda _: None), until)
        return Built(job, steps, asking.asked)

    return run


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, build: Callable[..., Built]) -> Built:
    return build(tmp_path_factory.mktemp("osm"))


def digest(found: Built) -> str:
    return digest_run(found.job.run).dataset


def test_the_planted_tiles_go_and_the_others_stay(built: Built) -> None:
    tables = read_osm_tables(built.job.run)
    assert {t.tile_id for t in tables.agreement if not t.kept} == {*BAD, *EMPTY, *THIN}
    assert [(s.stage, s.entered, s.kept, s.reasons) for s in built.steps] == [
        ("tiles", 13, 13, ()),
        ("labels", 13, 12, (("no OSM label", 1),)),
        ("agreement", 12, 9, (("OSM and DW disagree", 2), ("too few pixels labelled by both", 1))),
        ("split", 9, 9, ()),
    ]
    choices = {c.tile_id: c.split for c in tables.split}
    assert choices["dw_test0"] == choices["dw_test1"] == choices["dw_near"] == "test"
    assert sorted(choices.values()) == ["test"] * 4 + ["train"] * 5
    dropped = dropped_tiles(tables)
    assert {t.tile_id for t in dropped} == {*BAD, *EMPTY, *THIN}
    told = {(step.stage, reason): count for step in osm_funnel(tables, split=True) for reason, count in step.reasons}
    assert Counter((t.stage, t.reason) for t in dropped) == told


def test_every_accuracy_is_what_scikit_learn_finds_in_the_arrays(built: Built, tiles: BuiltTiles) -> None:
    answers = Map(tiles)
    for tile, judged in zip(tiles.tiles, read_osm_tables(built.job.run).agreement, strict=True):
        dw, osm = tiles.dw(tile), answers(tile.grid, tile.tile_id)
        both = (dw != IGNORE) & (osm != IGNORE)
        nearest = [d if d in OSM_ADMITS[o] else -1 for d, o in zip(dw[both], osm[both], strict=True)]
        expected = accuracy_score(dw[both], nearest) if both.any() else None
        assert judged.overall_accuracy == (None if expected is None else pytest.approx(expected, abs=1e-12))


def test_the_stores_hold_the_tiles_pixel_for_pixel(built: Built, tiles: BuiltTiles) -> None:
    by_id, answers = {tile.tile_id: tile for tile in tiles.tiles}, Map(tiles)
    index = [(r.tile_id, r.split) for r in read_part(built.job.run.table("split", 0), SplitChoice)]
    rows = pq.read_table(built.job.run.index).to_pylist()
    assert sorted((row["location_id"], row["split"]) for row in rows) == sorted(index)
    for row in rows:
        tile = by_id[row["location_id"]]
        arrays = open_tile_arrays(built.job.run.root / row["store"])
        size = 24 if row["split"] == "test" else 22
        labels = {"dw": tiles.dw(tile), "osm": answers(tile.grid, tile.tile_id)}
        padded, grid = pad_tile(labels, tile.grid, size)
        for name, expected in padded.items():
            assert np.array_equal(arrays[name][row["row"]], expected)
        assert np.array_equal(arrays["ignore"][row["row"]], padded["osm"] == IGNORE)
        assert row["geotransform"] == pytest.approx(list(grid.affine))
        assert row["s2_id"] == tile.pair.s2_id


def test_the_same_command_finds_all_done_and_a_changed_setting_asks_for_no_map(
    built: Built, tmp_path: Path, build: Callable[..., Built]
) -> None:
    again = build(built.job.run.root)
    assert (again.asked, digest(again)) == ([], digest(built))
    stages = {stage.stage: (stage.done, stage.total) for stage in read_status(read_events(again.job.run.events)).stages}
    assert stages == {"labels": (13, 13), "agreement": (13, 13), "split": (13, 13), "pack": (9, 9), "manifest": (9, 9)}
    build(tmp_path, until="labels")
    stricter = build(tmp_path, until="split", agreement={"min_coverage": 0.1, "threshold": 0.82})
    assert stricter.asked == []
    assert 0 < stricter.steps[2].kept < built.steps[2].kept


def test_one_code_of_the_table_changed_makes_the_check_anew(tmp_path: Path, build: Callable[..., Built]) -> None:
    before = {t.tile_id: t for t in read_osm_tables(build(tmp_path, until="agreement").job.run).agreement}
    toggled = {**OSM_ADMITS, 6: frozenset({0, 7})}
    after = {
        t.tile_id: t
        for t in read_osm_tables(build(tmp_path, until="agreement", about={"admits": toggled}).job.run).agreement
    }
    for tile_id, tile in before.items():
        counted = np.array(tile.confusion).reshape(13, 9)
        if tile.overall_accuracy is None:
            continue
        gained = counted[5, 0] / counted.sum()
        assert after[tile_id].overall_accuracy == pytest.approx(tile.overall_accuracy + gained, abs=1e-12)
    assert any(after[i].overall_accuracy != tile.overall_accuracy for i, tile in before.items())


def test_a_hand_drops_and_corrects_and_is_written_down(
    tmp_path: Path, build: Callable[..., Built], tiles: BuiltTiles
) -> None:
    bad, wrong = (next(t for t in tiles.tiles if t.tile_id == name) for name in ("dw_testbad", "dw_train0"))
    (tmp_path / "fixed").mkdir()
    for tile, codes in ((bad, np.where(tiles.dw(bad) == 0, 7, 0)), (wrong, np.full((22, 22), 12))):
        path = tmp_path / "fixed" / f"{tile.tile_id}.tif"
        with rasterio.open(
            path, "w", driver="GTiff", width=codes.shape[1], height=codes.shape[0], count=1, dtype="uint8",
            crs=f"EPSG:{tile.grid.epsg}", transform=Affine(*tile.grid.affine),
        ) as raster:  # fmt: skip
            raster.write(codes.astype(np.uint8), 1)
    (tmp_path / "drop.txt").write_text("dw_test1 a cloud\n")
    settings = InspectionSettings(drop=tmp_path / "drop.txt", corrected=tmp_path / "fixed")
    hand = read_inspection(settings, [t.tile_id for t in tiles.tiles])
    found = build(tmp_path / "osm", about={"inspection": hand}, agreement={"min_coverage": 0.01})
    judged = {t.tile_id: t for t in read_osm_tables(found.job.run).agreement}
    assert (judged["dw_testbad"].kept, judged["dw_testbad"].corrected, judged["dw_testbad"].overall_accuracy) == (
        True, True, 1.0,
    )  # fmt: skip
    assert (judged["dw_train0"].kept, judged["dw_train0"].reason) == (False, "OSM and DW disagree")
    assert (judged["dw_test1"].reason, judged["dw_test1"].detail) == ("dropped by hand", "a cloud")
    notes = {note.tile_id: note for note in read_part(found.job.run.manifest / "inspection.parquet", HandNote)}
    assert {i: note.action for i, note in notes.items()} == {
        "dw_testbad": "corrected", "dw_train0": "corrected", "dw_test1": "dropped",
    }  # fmt: skip
    assert notes["dw_testbad"].accuracy_before < 0.5 < notes["dw_testbad"].accuracy_after == 1.0
    assert notes["dw_testbad"].changed > 0
    assert {len(note.sha256) for note in notes.values()} == {64}


def test_land_use_still_to_be_had_stops_the_build_and_the_next_run_goes_on(
    built: Built, tmp_path: Path, build: Callable[..., Built], tiles: BuiltTiles
) -> None:
    down = {name: SourceError(FailureKind.TRANSIENT, "no answer") for name in ("dw_test0", "dw_train5")}
    with pytest.raises(NoldoError, match=r"2 tiles could not be had \(run the same command again"):
        build(tmp_path, Map(tiles, failing=down))
    after = build(tmp_path)
    assert sorted(after.asked) == ["dw_test0", "dw_train5"]
    assert digest(after) == digest(built)


def test_a_build_cut_short_within_a_part_goes_on_with_the_next_tile(
    built: Built, tmp_path: Path, build: Callable[..., Built], tiles: BuiltTiles
) -> None:
    sixth = tiles.tiles[5].tile_id
    cut = Map(tiles, failing={sixth: KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path, cut)
    after = build(tmp_path)
    assert [*cut.asked[:-1], *after.asked] == [tile.tile_id for tile in tiles.tiles]
    assert digest(after) == digest(built)


def killed(run: Callable[[], object]) -> int:
    """The exit status of a process that does this and is ended on the way; 0 if it is not."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            run()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_build_killed_at_a_label_and_at_a_shard_comes_to_the_same_data(
    built: Built, tmp_path: Path, build: Callable[..., Built], tiles: BuiltTiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, sixth = Map(tiles), tiles.tiles[5].tile_id

    def dying(grid: PixelGrid, tile_id: str) -> np.ndarray:
        if tile_id == sixth:
            os._exit(9)
        return answers(grid, tile_id)

    assert killed(lambda: build(tmp_path, dying)) == 9
    assert len(list(tmp_path.glob("tiles/*/*.npz"))) == 5

    def second_shard(building: AnyPath, shard: int, *more: Any) -> Any:
        record = write_tile_shard(building, shard, *more)
        return os._exit(9) if shard == 1 else record

    resumed = Map(tiles)
    with monkeypatch.context() as patch:
        patch.setattr(osm_pack, "write_tile_shard", second_shard)
        assert killed(lambda: build(tmp_path, resumed)) == 9
    assert len(list(tmp_path.glob("store/*.zarr.building"))) == 1
    after = build(tmp_path)
    assert after.asked == []
    assert digest(after) == digest(built)
    assert not [path for path in tmp_path.rglob("*") if ".tmp-" in path.name or ".building" in path.name]


def test_a_build_in_object_storage_that_is_cut_short_is_the_one_on_a_disk(
    tmp_path: Path, build: Callable[..., Built], tiles: BuiltTiles, bucket: Callable[[], AnyPath]
) -> None:
    some = [tile for tile in tiles.tiles if tile.tile_id not in (*BAD, *EMPTY, *THIN)][:5]
    about = {"tiles": replace(tiles, tiles=tuple(some))}
    there, third = bucket() / "run", some[2].tile_id
    with pytest.raises(KeyboardInterrupt):
        build(there, Map(tiles, failing={third: KeyboardInterrupt()}), about=about)
    resumed = build(there, about=about)
    assert resumed.asked == [tile.tile_id for tile in some[2:]]
    assert digest(resumed) == digest(build(tmp_path, about=about))
    assert build(there, about=about).asked == []
    build(there, about=about, name="other")
    assert [path.name for path in listed(there / "store", "*.zarr")] == ["other_test.zarr", "other_train.zarr"]


@pytest.mark.parametrize("kind", [FailureKind.TRANSIENT, FailureKind.PERMANENT])
def test_a_service_that_is_down_or_refuses_all_is_left_in_peace(
    tmp_path: Path, build: Callable[..., Built], tiles: BuiltTiles, kind: FailureKind
) -> None:
    down = Map(tiles, failing={t.tile_id: SourceError(kind, "no answer") for t in tiles.tiles})
    with pytest.raises(NoldoError, match="13 tiles could not be had"):
        build(tmp_path, down, max_failed_share=1.0)
    assert len(down.asked) == 3
    after = build(tmp_path, until="labels", max_failed_share=1.0)
    unasked = [tile.tile_id for tile in tiles.tiles[3:]]
    assert after.asked == unasked if kind is FailureKind.PERMANENT else [*down.asked, *unasked]


def test_a_service_that_answers_may_refuse_many_tiles(
    tmp_path: Path, build: Callable[..., Built], tiles: BuiltTiles
) -> None:
    refused = {t.tile_id: SourceError(FailureKind.PERMANENT, "no such place") for t in tiles.tiles[1:]}
    found = build(tmp_path, Map(tiles, failing=refused), until="labels", max_failed_share=1.0)
    assert found.asked == [tile.tile_id for tile in tiles.tiles]


def test_a_lasting_refusal_may_leave_a_tile_out(tmp_path: Path, build: Callable[..., Built], tiles: BuiltTiles) -> None:
    refused = {"dw_train5": SourceError(FailureKind.PERMANENT, "no such place")}
    with pytest.raises(NoldoError, match="max_failed_share lets a share of them go"):
        build(tmp_path, Map(tiles, failing=refused), max_failed_share=0.0)
    found = build(tmp_path, until="split", max_failed_share=0.1)
    assert found.asked == []
    (left_out,) = [t for t in read_osm_tables(found.job.run).agreement if t.tile_id == "dw_train5"]
    assert (left_out.kept, left_out.reason, left_out.detail) == (False, "OSM labels could not be had", "")
    labels = [
        one for part in range(found.job.parts) for one in read_part(found.job.run.table("labels", part), OsmLabelled)
    ]
    assert [one.failure_message for one in labels if one.tile_id == "dw_train5"] == ["no such place"]
    assert build(tmp_path, until="split", about={"retry": frozenset({FailureKind.PERMANENT})}).asked == ["dw_train5"]


def test_a_damaged_file_is_made_again(built: Built, tmp_path: Path, build: Callable[..., Built]) -> None:
    begun = build(tmp_path, until="labels")
    assert [step.stage for step in begun.steps] == ["tiles", "labels"]
    begun.job.run.staged_tile(0, "dw_near").write_bytes(b"PK damaged")
    again = build(tmp_path)
    assert (again.asked, digest(again)) == (["dw_near"], digest(built))
    begun.job.run.table("agreement", 1).write_bytes(b"PAR1")
    assert digest(build(tmp_path)) == digest(built)


def test_a_build_under_another_name_leaves_no_store_of_the_old_one(
    built: Built, tmp_path: Path, build: Callable[..., Built]
) -> None:
    renamed = build(tmp_path, name="other")
    begun = renamed.job.run.store("given_up_test").with_name("given_up_test.zarr.building")
    begun.mkdir()
    again = build(tmp_path)
    assert again.asked == []
    assert digest(again) == digest(built)
    assert sorted(path.name for path in (tmp_path / "store").iterdir()) == [
        ".osm_test.zarr.inputs", ".osm_train.zarr.inputs", "osm_test.zarr", "osm_train.zarr",
    ]  # fmt: skip


def test_tiles_near_the_pretraining_set_are_left_out_unless_allowed(
    tmp_path: Path, build: Callable[..., Built]
) -> None:
    lon, lat = TRAIN["dw_train0"]
    places = (Place("p0", (lon + 0.02, lat)), Place("p1", (100.0, 0.0)))
    found = build(tmp_path / "drop", until="split", about={"pretraining": places})
    (choice,) = [c for c in read_osm_tables(found.job.run).split if c.tile_id == "dw_train0"]
    assert (choice.split, choice.reason) == ("", "near a pretraining location")
    assert choice.detail.startswith("p0 is 2")
    near = {(n.first, n.second): n for n in read_osm_tables(found.job.run).leakage}
    assert near["osm_train", "pretraining"].near == near["osm_test", "pretraining"].near == 0
    assert near["dw_train", "pretraining"].near == 1
    allowed = build(tmp_path / "allow", until="split", about={"pretraining": places}, leakage={"near": "allow"})
    near = {(n.first, n.second): n for n in read_osm_tables(allowed.job.run).leakage}
    assert near["osm_train", "pretraining"].near == 1
    assert near["osm_train", "osm_test"].near == near["osm_train", "osm_test"].same == 0
    assert near["osm_test", "dw_test"].same == 2
