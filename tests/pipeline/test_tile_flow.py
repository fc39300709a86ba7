"""Whole builds from expert tiles: the real client over HTTP, the planet's own pixels, and what comes out of them."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import zarr
from click.testing import CliRunner

from pipeline.cli.main import noldo
from pipeline.experts import index_experts, read_expert_labels
from pipeline.manifest.digest import digest_run
from pipeline.manifest.made_from import Dropped
from pipeline.parts import read_part
from pipeline.recipe import read_yaml
from pipeline.run_directory import claimed
from pipeline.schema.errors import FailureKind, NoldoError, SourceError
from pipeline.schema.grid import PixelGrid
from pipeline.schema.layout import RunLayout
from pipeline.schema.strict import validated
from pipeline.schema.tiles import ExpertTile, FetchedTile, TilePair, UnusableTile
from pipeline.sources.earthengine import EarthEngineSource
from pipeline.sources.protocol import PixelRequest
from pipeline.tile_arrays import read_tile_row
from pipeline.tile_flow import claim_for
from pipeline.tile_recipe import DwRecipe
from pipeline.tile_state import index_tiles

BuildHere = Callable[..., Any]

PARTS = 3


def digest(run: Path) -> str:
    return digest_run(RunLayout(run)).dataset


def records(run: Path, stage: str, record: type[Any]) -> list[Any]:
    return [one for part in range(PARTS) for one in read_part(RunLayout(run).table(stage, part), record)]


def made(ledger: Any) -> dict[str, int]:
    return {stage: t.parts_made for stage, t in ledger.tallies.items() if t.parts_made}


def test_every_tile_is_stored_or_told_why_not(dw_run: Path, expert_tiles: Path) -> None:
    tiles, strangers = index_experts(expert_tiles)
    index = gpd.read_parquet(RunLayout(dw_run).index)
    dropped = read_part(dw_run / "manifest" / "dropped.parquet", Dropped)
    assert set(index.location_id) | {d.location_id for d in dropped if d.stage != "tiles"} == {t.tile_id for t in tiles}
    assert [d.location_id for d in dropped if d.stage == "tiles"] == [s.file for s in strangers]
    assert [(d.stage, d.reason) for d in dropped if d.stage != "tiles"] == [("pair", "no S2 scene")], "as planted"
    assert Counter(index.split) == {"train": 5, "test": 2}
    assert list(read_part(RunLayout(dw_run).table("unusable", 0), UnusableTile)) == strangers


def test_labels_are_the_files_own_and_lie_where_the_files_say(dw_run: Path, expert_tiles: Path) -> None:
    tiles = {tile.tile_id: tile for tile in index_experts(expert_tiles)[0]}
    for row in gpd.read_parquet(RunLayout(dw_run).index).itertuples():
        tile, stored = tiles[row.location_id], read_tile_row(dw_run / row.store, row.row)
        labels = read_expert_labels(expert_tiles, tile)
        assert np.array_equal(stored["dw"], labels)
        assert row.epsg == tile.grid.epsg
        assert tuple(row.geotransform) == tile.grid.affine
        assert row.label_valid_frac == pytest.approx((labels != 255).mean())
        group = zarr.open_group(dw_run / row.store, mode="r")
        assert np.array_equal(np.asarray(group["ignore"][row.row]) != 0, labels == 255)
        assert tuple(np.asarray(group["geotransform"][row.row])) == tile.grid.affine
        assert stored["dw"].shape == ((510, 510) if row.split == "train" else (512, 512))


def test_images_are_the_scenes_own_pixels_on_the_tiles_grid(dw_run: Path, small_planet: Any) -> None:
    index = gpd.read_parquet(RunLayout(dw_run).index)
    for row in index.groupby("split").head(1).itertuples():
        stored = read_tile_row(dw_run / row.store, row.row)
        a, _, left, _, _, top = row.geotransform
        scene = small_planet.scene(row.s2_id)
        height, width = stored["dw"].shape
        assert (a, scene.grid.epsg) == (10.0, row.epsg), "the tile lies on the scene's pixels"
        read = small_planet.read(scene, ["B4"], PixelGrid(row.epsg, left, top, width, height))["B4"]
        assert np.array_equal(stored["s2"][3], np.asarray(read.values))
        assert stored["s2"].dtype == np.uint16
        assert stored["s1"].dtype == np.float32
        assert -40 < np.median(stored["s1"]) < 10


def test_pairs_keep_the_published_rules(dw_run: Path) -> None:
    tiles = {tile.tile_id: tile for tile in records(dw_run, "tiles", ExpertTile)}
    pairs = [pair for pair in records(dw_run, "pair", TilePair) if not pair.reason]
    assert len(pairs) == 7
    for pair in pairs:
        day = tiles[pair.tile_id].day
        assert day <= pair.s2_time < day + timedelta(days=15), "the labelled scene itself is there"
        assert pair.s2_cloud_pct < 20
        assert pair.s2_tile[:2] == f"{tiles[pair.tile_id].grid.epsg % 100:02d}"
        assert abs(pair.s1_time - day) <= timedelta(days=15)


def test_one_question_a_part_and_one_request_a_tile(dw_run: Path) -> None:
    events = [json.loads(line) for line in (dw_run / "events.jsonl").read_text().splitlines()]
    requests = Counter(e["stage"] for e in events if e["event"] == "attempt")
    assert requests["pair"] == PARTS
    assert requests["fetch"] == 7


def test_the_command_finds_nothing_left_to_do(dw_run: Path, dw_recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(dw_run, out)
    done = CliRunner().invoke(noldo, ["build", str(dw_recipe), "--out", str(out), "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["parts_made"], told["worked"]) == (0, False)
    assert told["content_digest"] == digest(dw_run)
    assert [(s["stage"], s["kept"]) for s in told["funnel"]] == [("tiles", 8), ("pair", 7), ("fetch", 7)]
    assert "no S2 scene" in (out / "report.html").read_text()


def test_a_finished_build_needs_no_staged_pixels(dw_run: Path, dw_recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(dw_run, out)
    shutil.rmtree(out / "tiles")
    done = CliRunner().invoke(noldo, ["build", str(dw_recipe), "--out", str(out), "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["parts_made"], told["content_digest"]) == (0, digest(dw_run))
    assert not (out / "tiles").exists()


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        (["tables/fetch/part-00001.parquet", "manifest"], {"fetch": 1, "manifest": 1}),
        (["tables/pair/part-00000.parquet"], {"pair": 1}),
        (["store/dw_test.zarr/s1/c/0", "tables/pack/part-00000.parquet"], {"pack": 3}),
    ],
)
def test_what_is_lost_is_made_again_and_nothing_else(
    dw_run: Path,
    tmp_path: Path,
    small_planet_url: str,
    build_dw_here: BuildHere,
    lost: list[str],
    expected: dict[str, int],
) -> None:
    out = tmp_path / "run"
    shutil.copytree(dw_run, out)
    for name in lost:
        path = out / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    _, ledger = build_dw_here(out, small_planet_url)
    assert made(ledger) == expected
    assert digest(out) == digest(dw_run)


def test_a_staged_tile_that_is_damaged_is_fetched_again(
    dw_run: Path, tmp_path: Path, small_planet_url: str, build_dw_here: BuildHere
) -> None:
    out = tmp_path / "run"
    shutil.copytree(dw_run, out)
    staged = sorted((out / "tiles" / "part-00000").glob("*.npz"))
    content = bytearray(staged[0].read_bytes())
    content[len(content) // 2] ^= 1
    staged[0].write_bytes(content)
    shutil.rmtree(out / "store")
    _, ledger = build_dw_here(out, small_planet_url)
    assert ledger.tallies["fetch"].requests == 1
    assert '"mended"' in (out / "events.jsonl").read_text()
    assert digest(out) == digest(dw_run)


def test_other_parts_and_other_shards_give_the_same_data(
    dw_run: Path, tmp_path: Path, small_planet_url: str, build_dw_here: BuildHere
) -> None:
    out = tmp_path / "run"
    build_dw_here(out, small_planet_url, "part_tiles=8", "store.shard_rows=2")
    assert digest(out) == digest(dw_run)
    assert {path.parent.name for path in (out / "tiles").rglob("*.npz")} == {"part-00000"}


def test_a_build_under_another_name_leaves_no_store_of_the_old_one(
    dw_run: Path, dw_recipe: Path, tmp_path: Path, small_planet_url: str, build_dw_here: BuildHere
) -> None:
    out = tmp_path / "run"
    shutil.copytree(dw_run, out)
    recipe = validated(DwRecipe, read_yaml(dw_recipe, ["name=other"]), where="dw.yaml")
    with claimed(out, claim_for(recipe, index_tiles(recipe.experts)), remake=True):
        pass
    _, ledger = build_dw_here(out, small_planet_url, "name=other")
    assert made(ledger).keys() == {"pack", "manifest"}
    assert sorted(path.name for path in (out / "store").glob("*")) == [
        ".other_test.zarr.inputs", ".other_train.zarr.inputs", "other_test.zarr", "other_train.zarr",
    ]  # fmt: skip
    assert digest_run(RunLayout(out)).rows == digest_run(RunLayout(dw_run)).rows


def test_tiles_observed_too_little_are_dropped_with_the_reason(
    tmp_path: Path, small_planet_url: str, build_dw_here: BuildHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.fetch_tiles.s1_observed", lambda s1: np.zeros(s1.shape[-2:], bool))
    with pytest.raises(NoldoError, match="no tile could be paired"):
        build_dw_here(tmp_path / "run", small_planet_url)
    fetched = records(tmp_path / "run", "fetch", FetchedTile)
    assert {(tile.kept, tile.reason) for tile in fetched} == {(False, "S1 nodata")}
    assert not list((tmp_path / "run" / "tiles").rglob("*.npz"))


class Refusing(EarthEngineSource):
    """The service, which refuses the pixels of one tile for good."""

    refused = ""

    def fetch_pixels(self, request: PixelRequest) -> Any:
        if request.location_id == Refusing.refused:
            raise SourceError(FailureKind.PERMANENT, "Asset not found.")
        return super().fetch_pixels(request)


def test_a_tile_that_is_refused_for_good_stops_the_build_or_is_left_out_as_the_recipe_says(
    dw_run: Path, tmp_path: Path, small_planet_url: str, build_dw_here: BuildHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, one = tmp_path / "run", sorted((dw_run / "tiles" / "part-00001").glob("*.npz"))[0].stem
    shutil.copytree(dw_run, out)
    (out / "tables" / "fetch" / "part-00001.parquet").unlink()
    (out / "tiles" / "part-00001" / f"{one}.npz").unlink()
    monkeypatch.setattr(Refusing, "refused", one)
    monkeypatch.setattr("pipeline.tasks.fetch_tiles.EarthEngineSource", Refusing)
    with pytest.raises(NoldoError, match=r"1 tiles could not be had \(.*fetch\.max_failed_share") as caught:
        build_dw_here(out, small_planet_url)
    assert one in str(caught.value)
    build_dw_here(out, small_planet_url, "fetch.max_failed_share=0.2")
    dropped = read_part(out / "manifest" / "dropped.parquet", Dropped)
    told = [(d.location_id, d.stage, d.reason, d.detail) for d in dropped if d.stage == "fetch"]
    assert told == [(one, "fetch", "pixels could not be had", "")], "what a service said stays in the run's tables"
    assert len(gpd.read_parquet(RunLayout(out).index)) == 6
    monkeypatch.setattr(Refusing, "refused", "")
    _, ledger = build_dw_here(out, small_planet_url, "fetch.max_failed_share=0.2", retry={FailureKind.PERMANENT})
    assert ledger.tallies["fetch"].requests == 1
    assert digest(out) == digest(dw_run)


def test_other_labels_are_another_build(
    expert_tiles: Path, tmp_path: Path, small_planet_url: str, build_dw_here: BuildHere
) -> None:
    folder = tmp_path / "experts"
    shutil.copytree(expert_tiles, folder)
    out, named = tmp_path / "run", f"experts.folder={folder}"
    build_dw_here(out, small_planet_url, named, until="pair")
    one = next(folder.rglob("dw_*.tif"))
    one.unlink()
    with pytest.raises(NoldoError, match="content of a file that 'experts' names changed"):
        build_dw_here(out, small_planet_url, named)
