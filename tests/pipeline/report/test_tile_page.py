"""The page of a downstream set: whole, self-contained, and true to the tables."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from pipeline.built_tiles import read_built_tiles
from pipeline.ledger import Ledger
from pipeline.manifest.made_from import Dropped
from pipeline.osm_flow import build_osm
from pipeline.osm_recipe import OsmRecipe
from pipeline.report import write_report
from pipeline.report.tile_gather import gather_tiles, is_tile_run
from pipeline.report.tile_views import tile_fates, tile_funnel
from pipeline.report.words import count
from pipeline.schema.grid import PixelGrid
from pipeline.schema.landcover import IGNORE, OSM_ADMITS
from pipeline.schema.layout import RunLayout
from pipeline.schema.strict import validated
from pipeline.tasks.osm_job import OsmJob

TRAIN = {f"dw_train{at}": (-60.0 + 20 * at, 10.0 - 8 * at) for at in range(4)}
TEST = {"dw_test0": (7.0, 46.0), "dw_empty": (30.0, 20.0)}


class Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "link", "img", "br", "input"}:
            self.open.append(tag)
        self.ids += [str(value) for name, value in attrs if name == "id"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def dw_run(tmp_path_factory: pytest.TempPathFactory, make_dw_run: Callable[..., RunLayout]) -> RunLayout:
    run = make_dw_run(tmp_path_factory.mktemp("dw"), TRAIN, TEST)
    run.recipe.write_text(yaml.safe_dump({"kind": "dw", "source": {"kind": "emulator"}}))
    return run


@pytest.fixture(scope="module")
def osm_run(tmp_path_factory: pytest.TempPathFactory, dw_run: RunLayout) -> RunLayout:
    tiles = read_built_tiles(dw_run.root)

    def ask(grid: PixelGrid, tile_id: str) -> np.ndarray:
        osm = np.full((grid.height_px, grid.width_px), 9, np.uint8)
        dw = tiles.dw(next(tile for tile in tiles.tiles if tile.tile_id == tile_id))
        osm[dw == 1] = 5
        osm[dw == 0] = 7
        if tile_id == "dw_empty":
            osm[:] = IGNORE
        return osm

    plain: dict[str, Any] = {
        "tiles": "dw",
        "labels": {"kind": "wms", "url": "https://example.org/wms"},
        "agreement": {"threshold": 0.25},
        "split": {"test_tiles": 2},
    }
    recipe = validated(OsmRecipe, plain, "recipe")
    run = RunLayout(tmp_path_factory.mktemp("osm"))
    run.recipe.write_text(yaml.safe_dump(recipe.canonical()))
    build_osm(OsmJob(run, recipe, tiles, "the map"), ask, Ledger(run.events, lambda _: None))
    return run


def page(run: RunLayout, title: str) -> str:
    text = write_report(run, title=title).read_text()
    balance = Balance()
    balance.feed(text)
    assert balance.open == []
    assert len(balance.ids) == len(set(balance.ids))
    assert not re.search(r"(src|href)=\"(?!data:|#)", text)
    return text


def test_an_osm_run_shows_curve_confusion_leaks_and_pictures(osm_run: RunLayout) -> None:
    text = page(osm_run, "OSM <&>")
    sections = re.findall(r'<section id="(\w+)"', text)
    assert sections == ["where", "funnel", "quality", "agreement", "leaks", "samples", "classes", "bands", "check"]
    assert "OSM &lt;&amp;&gt;" in text
    assert "Not in this report" not in text
    found = gather_tiles(osm_run)
    assert found.osm is not None
    assert len(found.osm.agreement) == len(found.locations) == 6
    stored = len(found.index)
    assert text.count('<article class="sample"') == stored == sum(tile.kept for tile in found.osm.agreement)
    for label in ("Expert label", "OSM label"):
        assert text.count(f"<figcaption>{label}</figcaption>") == stored
    curve = re.findall(r"<tr><th scope=\"row\">(\d+)\u202f%</th><td>(\d+)</td><td>(\d+)</td><td>(\d+)</td></tr>", text)
    assert [int(row[0]) for row in curve] == list(range(30, 95, 5))
    for threshold, kept, train, test in (map(int, row) for row in curve):
        accuracies = [tile.overall_accuracy for tile in found.osm.agreement if tile.overall_accuracy is not None]
        assert kept == train + test == sum(accuracy >= threshold / 100 for accuracy in accuracies)
    assert text.count('class="admitted"') == sum(len(classes) for classes in OSM_ADMITS.values())
    assert "No pretraining set was named" in text


def test_pages_of_tiles_work_on_a_phone(
    osm_run: RunLayout, dw_run: RunLayout, on_a_phone: Callable[..., list[Any]]
) -> None:
    pages = [Path(str(write_report(run, title="tiles"))) for run in (osm_run, dw_run)]
    seen = on_a_phone(
        """
        const all = (selector) => [...document.querySelectorAll(selector)];
        const marks = () => all(".marks path").filter((mark) => mark.getBoundingClientRect().width > 0).length;
        const shots = () => all(".sample:not([hidden]) [data-layer]").filter((shot) => shot.offsetParent);
        const layers = () => shots().map((shot) => shot.dataset.layer);
        const low = all("section").filter((section) => section.offsetHeight < 100).length;
        const told = { width: document.documentElement.scrollWidth, low };
        told.layers = layers();
        document.querySelector('[name=layer][value=dw]').click();
        told.chosen = layers();
        told.marks = marks();
        document.querySelector('[data-split=test] button').click();
        told.withoutTest = marks();
        return told;
        """,
        *pages,
    )
    osm, dw = seen
    assert (osm["width"], dw["width"], osm["low"], dw["low"]) == (390, 390, 0, 0)
    assert (osm["layers"], osm["chosen"]) == (["true", "infrared", "radar", "dw", "osm"], ["dw"])
    assert (dw["layers"], dw["chosen"]) == (["true", "infrared", "radar", "dw"], ["dw"])
    for told, run in ((osm, osm_run), (dw, dw_run)):
        found = gather_tiles(run)
        assert told["marks"] == len(found.locations)
        assert told["marks"] - told["withoutTest"] == sum(row.split == "test" for row in found.index) > 0


def test_what_was_dropped_is_told_with_its_reason(osm_run: RunLayout) -> None:
    text = page(osm_run, "osm")
    section = text[text.index('id="quality"') : text.index('id="agreement"')]
    dropped = gather_tiles(osm_run).dropped
    assert len(dropped) > 0
    rows = re.findall(r'<td class="text">(.*?)<span class="fine">for example (.*?)</span></td><td>(\d+)</td>', section)
    assert sum(int(number) for _, _, number in rows) == len(dropped)
    assert {unescape(reason) for reason, _, _ in rows} == {tile.reason for tile in dropped}


def test_the_map_says_what_became_of_every_tile(osm_run: RunLayout, dw_run: RunLayout) -> None:
    found = gather_tiles(osm_run)
    fate, kinds = tile_fates(found)
    assert fate["dw_empty"] == "no OSM label"
    assert kinds == ["kept, 90 % or more", "kept, 70 % to 90 %", "kept, less than 70 %"]
    stored = {row.location_id for row in found.index}
    assert {tile_id for tile_id, kind in fate.items() if kind in kinds} == stored
    places = {spot.location_id: (spot.lon_deg, spot.lat_deg) for spot in found.locations}
    assert {i: places[i] for i in TRAIN} == {i: pytest.approx(place, abs=1e-3) for i, place in TRAIN.items()}
    assert [step.kept for step in tile_funnel(found, 6)] == [6, 5, len(stored), len(stored)]
    experts = gather_tiles(dw_run)  # as one that was imported: no table of tiles, so places come from the index
    assert {s.location_id: (s.lon_deg, s.lat_deg) for s in experts.locations} == {
        i: pytest.approx(place, abs=1e-3) for i, place in (TRAIN | TEST).items()
    }
    assert set(tile_fates(experts)[0].values()) == {"kept"}


def test_the_funnel_is_of_the_tiles_and_not_of_every_file(dw_run: RunLayout) -> None:
    dropped = (
        Dropped("README.txt", "", "tiles", "not a GeoTIFF", ""),
        Dropped("meta.csv", "", "tiles", "not a GeoTIFF", ""),
        Dropped("dw_1_2", "train", "pair", "no S2 scene", ""),
        Dropped("dw_3_4", "train", "pair", "no S2 scene", ""),
    )
    views = tile_funnel(replace(gather_tiles(dw_run), dropped=dropped), 8)
    assert [(view.kept, view.share) for view in views] == [(8, 1.0), (6, 0.75), (6, 0.75)]
    assert views[0].reasons == (("not a GeoTIFF", 2),)
    lost = tuple(Dropped(name, "train", "import", "wrong bands", "") for name in ("one", "two"))
    imported = replace(gather_tiles(dw_run), kind="import-dfc2020", dropped=lost)
    assert [(view.kept, view.share) for view in tile_funnel(imported, 8)] == [(6, 0.75)]


def test_a_dw_run_counts_the_classes_of_its_stores(dw_run: RunLayout) -> None:
    text = page(dw_run, "dw")
    sections = re.findall(r'<section id="(\w+)"', text)
    assert sections == ["where", "funnel", "quality", "samples", "classes", "bands", "check"]
    statistics = json.loads((dw_run.manifest / "statistics.json").read_text())
    water = statistics["dw_train"]["label_pixels"]["dw"]["water"]
    assert re.search(rf"0 water</th>\s*<td>{count(water)}</td>", text)
    assert '<th scope="col">dw_test</th>' in text


def test_what_is_missing_is_named_and_the_rest_is_shown(osm_run: RunLayout, tmp_path: Path) -> None:
    shutil.copytree(osm_run.root, tmp_path / "run")
    run = RunLayout(tmp_path / "run")
    shutil.rmtree(run.store("osm_train"))
    (run.manifest / "statistics.json").unlink()
    run.table("labels", 0).write_bytes(b"PAR1")
    (run.manifest / "dropped.parquet").write_bytes(b"PAR1")
    text = page(run, "damaged")
    assert "osm_train.zarr, which the index names, is not there." in text
    assert "statistics.json is not there yet." in text
    assert "tables/labels/part-00000.parquet cannot be read" in text
    assert str(tmp_path) not in text
    assert "No tile was dropped" not in text
    assert "What was dropped is not known" in text
    assert 'id="agreement"' in text
    begun = RunLayout(tmp_path / "begun")
    begun.root.mkdir()
    begun.recipe.write_text("kind: osm\n")
    assert "There are no labels to count yet." in page(begun, "begun")
    assert not is_tile_run(RunLayout(tmp_path))
