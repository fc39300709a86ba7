"""`noldo build` of OSM land use: the real client, the emulator's map service, and what is kept of it."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine
from sklearn.metrics import accuracy_score

from pipeline.built_tiles import read_built_tiles
from pipeline.cli.build_options import BuildOptions
from pipeline.cli.build_osm import build_osm_set
from pipeline.cli.downstream import builder
from pipeline.emulator.faults import parse_faults
from pipeline.emulator.land_use import land_use, qualities
from pipeline.emulator.planet import Planet
from pipeline.emulator.planet_spec import PlanetSpec
from pipeline.emulator.server import EmulatorServer
from pipeline.emulator.wms import LandUseService
from pipeline.manifest.digest import digest_run
from pipeline.osm_state import read_osm_tables
from pipeline.schema.errors import UsageError
from pipeline.schema.landcover import IGNORE, OSM_ADMITS
from pipeline.schema.layout import RunLayout
from pipeline.summary import BuildSummary
from pipeline.tile_staging import read_staged

SEED = 7
SNOW = 8
FAULTS = parse_faults("429:0.1,503:0.1,reset:0.1,truncate:0.1,badpixels:0.1")
ADMITTED = np.array([[dw in OSM_ADMITS.get(osm, ()) for dw in range(9)] for osm in range(14)])


@dataclass(frozen=True)
class Built:
    run: RunLayout
    raw: dict[str, Any]
    digest: str | None


def build(raw: dict[str, Any], out: Path, until: str | None = None, workers: int | None = None) -> BuildSummary:
    return build_osm_set(raw, "osm.yaml", out, BuildOptions(until, workers, scheduler=None, remake=False))


@pytest.fixture(scope="module")
def raw(dw_run: Path) -> Iterator[dict[str, Any]]:
    """A recipe for the small run of expert tiles, and the map service of its planet, of which one request in two
    fails."""
    spec = PlanetSpec(SEED)
    with EmulatorServer(
        Planet(SEED), map_service=LandUseService(SEED), identity=spec.identity(), faults=FAULTS, fault_seed=3
    ) as server:
        yield {
            "kind": "osm",
            "tiles": str(dw_run),
            "labels": {"kind": "wms", "per_second": 50},
            "source": {"kind": "emulator", "seed": SEED, "url": server.url},
            "split": {"test_tiles": 3},
            "part_tiles": 3,
            "store": {"shard_rows": 2},
        }


@pytest.fixture(scope="module")
def osm(raw: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Built:
    out = tmp_path_factory.mktemp("osm") / "run"
    return Built(RunLayout(out), raw, build(raw, out).content_digest)


def test_the_planets_bad_and_empty_land_use_is_dropped_and_the_good_kept(osm: Built, dw_run: Path) -> None:
    run = osm.run
    built = read_built_tiles(dw_run)
    tiles = {tile.tile_id: tile for tile in built.tiles}
    judged = read_osm_tables(run).agreement
    assert {tile.tile_id for tile in judged} == tiles.keys()
    seen = set()
    for tile in judged:
        mapped = qualities(SEED, tiles[tile.tile_id].grid)
        snow = (built.dw(tiles[tile.tile_id]) == SNOW).mean()
        if len(mapped) == 1 and snow < 0.2:  # under snow even a good map disagrees: fields are no snow
            (how,) = mapped
            seen.add(how)
            assert (tile.kept, tile.reason) == {
                "good": (True, ""), "wrong": (False, "OSM and DW disagree"), "empty": (False, "no OSM label"),
            }[how], f"{tile.tile_id} was mapped {how}, accuracy {tile.overall_accuracy}"  # fmt: skip
    assert seen >= {"good", "wrong"}


def test_requests_failed_and_were_got_over(osm: Built) -> None:
    events = [json.loads(line) for line in (osm.run.root / "events.jsonl").read_text().splitlines()]
    kinds = Counter(event["kind"] for event in events if event["event"] == "attempt" and event["stage"] == "labels")
    assert kinds["quota"] + kinds["transient"] >= 3
    assert kinds.keys() == {"ok", "quota", "transient"}


def test_labels_are_the_planets_and_accuracies_scikit_learns(osm: Built, dw_run: Path) -> None:
    run = osm.run
    built = read_built_tiles(dw_run)
    judged = {tile.tile_id: tile for tile in read_osm_tables(run).agreement}
    for at, tile in enumerate(built.tiles):
        labels = read_staged(run.staged_tile(at // 3, tile.tile_id))["osm"]
        truth = land_use(SEED, tile.grid)
        inner = np.ones(truth.shape, bool)
        for axis in (0, 1):
            for step in (-1, 1):
                inner &= np.roll(truth, step, axis) == truth
        assert (labels == truth)[inner].mean() >= 0.99
        dw = built.dw(tile)
        both = (dw != IGNORE) & (labels != IGNORE)
        nearest = np.where(ADMITTED[labels[both], dw[both]], dw[both].astype(int), -1)
        expected = accuracy_score(dw[both], nearest) if both.any() else None
        assert judged[tile.tile_id].overall_accuracy == (expected and pytest.approx(expected, abs=1e-12))


def test_done_work_is_not_done_again_and_no_map_is_asked_for_twice(osm: Built) -> None:
    again = build(osm.raw, osm.run.root)
    assert (again.parts_made, again.worked, again.content_digest) == (0, False, osm.digest)
    with pytest.raises(UsageError, match=r"agreement.threshold changed.*--remake"):
        build({**osm.raw, "agreement": {"threshold": 0.95}}, osm.run.root)
    osm.run.staged_tile(0, read_osm_tables(osm.run).agreement[0].tile_id).unlink()
    asked = len((osm.run.root / "events.jsonl").read_text().splitlines())
    assert build(osm.raw, osm.run.root).content_digest == osm.digest
    events = [json.loads(line) for line in (osm.run.root / "events.jsonl").read_text().splitlines()[asked:]]
    maps = [e for e in events if e["event"] == "attempt" and e["location_id"].startswith("dw_")]
    assert maps == [], "the map lies in the cache"


def test_the_digest_and_the_page_are_those_of_the_run(osm: Built) -> None:
    assert digest_run(osm.run).dataset == osm.digest
    assert 'id="agreement"' in osm.run.report.read_text()
    provenance = json.loads((osm.run.manifest / "provenance.json").read_text())
    assert provenance["emulated"] is True
    assert provenance["recipe"]["tiles_content_digest"].startswith("sha256:")
    assert str(osm.run.root.parent) not in (osm.run.manifest / "provenance.json").read_text()


def test_what_cannot_be_is_told_in_a_line(raw: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no finished data set"):
        build({**raw, "tiles": "nowhere"}, tmp_path)
    with pytest.raises(UsageError, match="leave --workers"):
        build(raw, tmp_path, workers=2)
    with pytest.raises(UsageError, match="give one of labels, agreement, split, pack, manifest"):
        build(raw, tmp_path, until="fetch")
    with pytest.raises(UsageError, match="serves the planet"):
        build({**raw, "source": {**raw["source"], "seed": 8}}, tmp_path)
    assert builder(raw, "osm.yaml") is build_osm_set


def test_rasters_on_disk_need_no_service(raw: dict[str, Any], dw_run: Path, tmp_path: Path) -> None:
    (tmp_path / "rasters").mkdir()
    for tile in read_built_tiles(dw_run).tiles:
        codes = land_use(SEED, tile.grid)
        with rasterio.open(
            tmp_path / "rasters" / f"{tile.tile_id}.tif", "w", driver="GTiff", width=codes.shape[1],
            height=codes.shape[0], count=1, dtype="uint8", nodata=0, crs=f"EPSG:{tile.grid.epsg}",
            transform=Affine(*tile.grid.affine),
        ) as raster:  # fmt: skip
            raster.write(np.where(codes == IGNORE, 0, codes), 1)
    plain = {key: value for key, value in raw.items() if key != "source"}
    run = RunLayout(tmp_path / "run")
    done = build({**plain, "labels": {"kind": "rasters", "folder": str(tmp_path / "rasters")}}, run.root)
    for at, tile in enumerate(read_built_tiles(dw_run).tiles):
        labels = read_staged(run.staged_tile(at // 3, tile.tile_id))["osm"]
        assert np.array_equal(labels, land_use(SEED, tile.grid))
    assert done.content_digest == digest_run(run).dataset
    assert str(tmp_path) not in (run.manifest / "provenance.json").read_text()
