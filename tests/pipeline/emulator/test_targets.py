"""Point targets: one pixel of the zone's lattice, in every sensor, and nothing beside it changed."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from pipeline.emulator.catalogue_s2 import DW_BANDS
from pipeline.emulator.planet import Planet
from pipeline.emulator.scene import DW_COLLECTION, S1_COLLECTION, S2_COLLECTION, EmulatedScene
from pipeline.emulator.targets import (
    REFLECTOR_DB,
    SATURATED_DN,
    Planted,
    Target,
    parse_targets,
    place_m,
    targets_text,
)
from pipeline.emulator.truth import BUILT
from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PixelGrid, patch_grid, transformer

START, END = datetime(2021, 5, 1, tzinfo=UTC), datetime(2021, 7, 1, tzinfo=UTC)
PLACE = (15.95, 45.26)
SIDE = 60


@pytest.fixture(scope="module")
def planet() -> Planet:
    return Planet(0)


@pytest.fixture(scope="module")
def planted(planet: Planet) -> Planted:
    return Planted(planet, [Target(*PLACE)])


def scenes_of(planet: Planet, collection: str) -> list[EmulatedScene]:
    outline = patch_grid(*PLACE).footprint_lonlat()
    return [s for s in planet.search(collection, outline, START, END) if s.footprint.contains(outline)]


def window(scene: EmulatedScene, pixel_m: float) -> PixelGrid:
    """About the place, on the lattice of the scene's 60 m pixels."""
    x, y = transformer(4326, scene.grid.epsg).transform(*PLACE)
    left = scene.grid.left_m + (x - 300 - scene.grid.left_m) // 60 * 60
    top = scene.grid.top_m - (scene.grid.top_m - y - 300) // 60 * 60
    side = round(SIDE * 10 / pixel_m)
    return PixelGrid(scene.grid.epsg, left, top, side, side, pixel_m)


def test_places_are_read_from_the_command_line_or_a_file(tmp_path: Path) -> None:
    targets = parse_targets("2.5,48.25; -70,-33.5 ;")
    assert targets == (Target(2.5, 48.25), Target(-70.0, -33.5))
    assert parse_targets(targets_text(targets)) == targets
    assert parse_targets(" ") == ()
    file = tmp_path / "places"
    file.write_text("2.5,48.25\n-70,-33.5\n")
    assert parse_targets(str(file)) == targets


@pytest.mark.parametrize(
    ("spec", "word"),
    [("2.5,48,1", "not understood"), ("a,b", "not understood"), ("2.5,86", "not understood"), ("absent", "neither")],
)
def test_anything_else_is_refused_in_one_line(spec: str, word: str) -> None:
    with pytest.raises(UsageError, match=word) as caught:
        parse_targets(spec)
    assert "\n" not in str(caught.value)


def test_a_target_fills_the_pixel_that_holds_it() -> None:
    for lon, lat in [PLACE, (-58.4, -34.6), (179.99, -17.0), (5.99, 60.5)]:
        pixel = Target(lon, lat).pixel
        x, y = transformer(4326, pixel.epsg).transform(lon, lat)
        left, bottom, right, top = pixel.bounds_m
        assert left <= x <= right == left + 10
        assert bottom <= y <= top == bottom + 10
        assert left % 10 == top % 10 == 0
        assert place_m(Target(lon, lat), pixel.epsg) == (left + 5, top - 5)


@pytest.mark.parametrize(
    ("collection", "band", "value"),
    [
        (S2_COLLECTION, "B4", SATURATED_DN), (S2_COLLECTION, "B11", SATURATED_DN), (S2_COLLECTION, "B1", SATURATED_DN),
        (S1_COLLECTION, "VV", REFLECTOR_DB), (S1_COLLECTION, "VH", REFLECTOR_DB), (DW_COLLECTION, "label", BUILT),
    ],
)  # fmt: skip
def test_every_scene_shows_it_in_one_native_pixel_and_nothing_else_changes(
    planet: Planet, planted: Planted, collection: str, band: str, value: float
) -> None:
    zones = set()
    for scene in [s for s in scenes_of(planet, collection) if band in s.bands][:6]:
        grid = window(scene, scene.bands[band])
        plain, shown = (world.read(scene, [band], grid)[band] for world in (planet, planted))
        x, y = place_m(Target(*PLACE), scene.grid.epsg)
        row, column = int((grid.top_m - y) // grid.pixel_m), int((x - grid.left_m) // grid.pixel_m)
        assert shown.values[row, column] == value
        assert shown.valid[row, column]
        elsewhere = np.ones(shown.values.shape, np.bool_)
        elsewhere[row, column] = False
        np.testing.assert_array_equal(shown.values[elsewhere], plain.values[elsewhere])
        np.testing.assert_array_equal(shown.valid[elsewhere], plain.valid[elsewhere])
        zones.add(scene.grid.epsg)
    assert zones


def test_probabilities_agree_with_the_label(planet: Planet, planted: Planted) -> None:
    scene = scenes_of(planet, DW_COLLECTION)[0]
    grid = window(scene, 10.0)
    blocks = planted.read(scene, list(DW_BANDS), grid)
    x, y = place_m(Target(*PLACE), scene.grid.epsg)
    here = int((grid.top_m - y) // 10), int((x - grid.left_m) // 10)
    chances = np.array([blocks[name].values[here] for name in DW_BANDS[:-1]])
    assert chances.argmax() == blocks["label"].values[here] == BUILT
    assert chances.sum() == pytest.approx(1.0)


def test_the_truth_is_built_there(planet: Planet, planted: Planted) -> None:
    grid = patch_grid(*PLACE, size_px=21)
    changed = planted.truth(grid, START) != planet.truth(grid, START)
    assert planted.truth(grid, START)[10, 10] == BUILT
    assert not np.delete(changed.ravel(), 10 * 21 + 10).any()


def test_a_scene_that_does_not_see_the_place_does_not_show_it(planet: Planet) -> None:
    scene = scenes_of(planet, S1_COLLECTION)[0]
    corner = PixelGrid(scene.grid.epsg, scene.grid.left_m, scene.grid.top_m, 9, 9)
    middle = PixelGrid(corner.epsg, corner.left_m + 40, corner.top_m - 40, 1, 1)
    centre = middle.footprint_lonlat().centroid
    block = Planted(planet, [Target(centre.x, centre.y)]).read(scene, ["VV"], corner)["VV"]
    assert not block.valid.any()
    assert (block.values == 0).all()
