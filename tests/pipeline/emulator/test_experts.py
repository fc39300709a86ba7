"""Expert tiles: the published layouts, nearly the truth, and partners that are there or, on purpose, are not."""

import csv
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from pipeline.emulator.experts import WrittenTile, write_experts
from pipeline.emulator.planet import Planet
from pipeline.emulator.scene import S1_COLLECTION, S2_COLLECTION, EmulatedScene
from pipeline.experts import index_experts, read_expert_labels
from pipeline.schema.errors import UsageError
from pipeline.schema.landcover import IGNORE
from pipeline.schema.tiles import ExpertTile

SEED, TRAIN, TEST = 7, 10, 2

Written = tuple[Path, Sequence[WrittenTile]]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    out = tmp_path_factory.mktemp("experts") / "tiles"
    return out, write_experts(out, SEED, TRAIN, TEST)


@pytest.fixture(scope="module")
def tiles(written: Written) -> list[ExpertTile]:
    return index_experts(written[0])[0]


@pytest.fixture(scope="module")
def planet() -> Planet:
    return Planet(SEED)


def test_every_tile_is_found_again_in_its_layout(written: Written, tiles: list[ExpertTile]) -> None:
    out, files = written
    assert {(tile.file, tile.split, tile.grid.epsg) for tile in tiles} == {(f.file, f.split, f.epsg) for f in files}
    assert [sum(t.split == split for t in tiles) for split in ("train", "test")] == [TRAIN, TEST]
    assert {(t.grid.width_px, t.hemisphere in ("EH", "WH"), t.biome != "") for t in tiles if t.split == "train"} == {
        (510, True, True)
    }
    assert {t.grid.width_px for t in tiles if t.split == "test"} == {512}
    epsgs = {t.grid.epsg for t in tiles}
    assert len(epsgs) > 6
    assert {epsg // 100 for epsg in epsgs} == {326, 327}
    others = [one.file for one in index_experts(out)[1]]
    assert others == ["README.txt", "dw_test/meta.csv"]
    with (out / "dw_test/meta.csv").open() as file:
        named = {row["filename"]: row["s2_system_index"] for row in csv.DictReader(file)}
    assert {t.tile_id: t.day.strftime("%Y%m%d") for t in tiles if t.split == "test"} == {
        name: index[:8] for name, index in named.items()
    }


def labelled_scene(planet: Planet, tile: ExpertTile) -> EmulatedScene:
    region = tile.grid.footprint_lonlat()
    scenes = planet.search(S2_COLLECTION, region, tile.day, tile.day + timedelta(days=1))
    return next(s for s in scenes if s.grid.epsg == tile.grid.epsg and s.footprint.contains(region))


def test_labels_are_nearly_the_truth_of_the_scenes_moment(
    written: Written, tiles: list[ExpertTile], planet: Planet
) -> None:
    for tile in tiles:
        labels = read_expert_labels(written[0], tile)
        scene = labelled_scene(planet, tile)
        truth = planet.truth(tile.grid, scene.time)
        marked = labels != IGNORE
        right = np.mean(labels[marked] == truth[marked])
        assert 0.94 < right < (0.985 if tile.split == "train" else 1.0)
        assert 0.03 < 1 - marked.mean() < 0.9
        if tile.split == "train":
            assert not labels[planet.clouded(scene, tile.grid)].tobytes().strip(bytes([IGNORE]))


def partners(planet: Planet, tile: ExpertTile, collection: str) -> list[EmulatedScene]:
    region, half = tile.grid.footprint_lonlat(), timedelta(days=15)
    found = planet.search(collection, region, tile.day - half, tile.day + half)
    inside = [s for s in found if s.footprint.contains(region)]
    if collection == S1_COLLECTION:
        return [s for s in inside if {"VV", "VH"} <= s.bands.keys()]
    return [s for s in inside if s.grid.epsg == tile.grid.epsg and s.properties["CLOUDY_PIXEL_PERCENTAGE"] < 20]


def test_what_lacks_a_partner_lacks_it_and_the_rest_has_both(
    written: Written, tiles: list[ExpertTile], planet: Planet
) -> None:
    lacks = {f.file: f.lacks for f in written[1]}
    assert sorted(value for value in lacks.values() if value) == ["S1", "S2"]
    for tile in tiles:
        found = {name: partners(planet, tile, c) for name, c in (("S2", S2_COLLECTION), ("S1", S1_COLLECTION))}
        assert {name for name, scenes in found.items() if not scenes} == {lacks[tile.file]} - {""}


def test_fewer_tiles_are_the_first_of_the_same_bytes(written: Written, tmp_path: Path) -> None:
    few = write_experts(tmp_path / "few", SEED, 2, 1)
    assert [f.file for f in few] == [f.file for f in (*written[1][:2], written[1][TRAIN])]
    for tile in few:
        assert (tmp_path / "few" / tile.file).read_bytes() == (written[0] / tile.file).read_bytes()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="is not empty"):
        write_experts(tmp_path, SEED, 1, 0)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_days_are_of_the_published_years(tiles: list[ExpertTile]) -> None:
    assert all(datetime(2018, 1, 1, tzinfo=UTC) <= tile.day < datetime(2020, 2, 1, tzinfo=UTC) for tile in tiles)
