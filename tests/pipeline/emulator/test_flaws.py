"""What is wrong with scenes on purpose: a pure function of seed and scene, and what it does to the pixels."""

from datetime import UTC, datetime

import numpy as np
import pytest
import shapely

from pipeline.emulator.flaws import BORDER_DB, Flawed, FlawKind, flaws_of, parse_flaws
from pipeline.emulator.planet import Planet, outline_m
from pipeline.emulator.scene import DW_COLLECTION, S1_COLLECTION, S2_COLLECTION, EmulatedScene
from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PixelGrid, patch_grid

START, END = datetime(2021, 5, 1, tzinfo=UTC), datetime(2021, 7, 1, tzinfo=UTC)
PLACE = (15.95, 45.26)
EVERY = parse_flaws("offset:1,border:1,shift:1")


@pytest.fixture(scope="module")
def planet() -> Planet:
    return Planet(0)


def scene_of(planet: Planet, collection: str) -> EmulatedScene:
    grid = patch_grid(*PLACE)
    found = planet.search(collection, grid.footprint_lonlat(), START, END)
    return next(s for s in found if s.grid.epsg == grid.epsg and s.footprint.contains(grid.footprint_lonlat()))


def window(scene: EmulatedScene, side: int = 40) -> PixelGrid:
    grid = patch_grid(*PLACE, size_px=side)
    assert grid.epsg == scene.grid.epsg
    return grid


def test_flaws_are_read_and_refused() -> None:
    assert parse_flaws("shift:0.1,offset:0.2") == ((FlawKind.OFFSET, 0.2), (FlawKind.SHIFT, 0.1))
    assert parse_flaws("") == ()
    with pytest.raises(UsageError, match=r"flaw 'fog:1' is not understood; .* offset, border, shift"):
        parse_flaws("fog:1")


def test_a_share_of_the_scenes_is_struck_whatever_else_is() -> None:
    some = parse_flaws("offset:0.2,border:0.1,shift:0.3")
    s2 = [flaws_of(5, some, f"{S2_COLLECTION}/{i}") for i in range(4000)]
    s1 = [flaws_of(5, some, f"{S1_COLLECTION}/{i}") for i in range(4000)]
    assert 0.18 < np.mean([f.offset for f in s2]) < 0.22
    assert 0.08 < np.mean([f.border_m > 0 for f in s1]) < 0.12
    assert 0.27 < np.mean([any(f.shift_px) for f in s1]) < 0.33
    assert not any(f.offset for f in s1)
    assert not any(f.border_m or any(f.shift_px) for f in s2)
    alone = [flaws_of(5, parse_flaws("shift:0.3"), f"{S1_COLLECTION}/{i}").shift_px for i in range(4000)]
    assert alone == [f.shift_px for f in s1]
    assert [flaws_of(6, some, f"{S2_COLLECTION}/{i}") for i in range(4000)] != s2
    assert {flaws_of(5, EVERY, f"{DW_COLLECTION}/{i}").as_json() == {} for i in range(50)} == {True}


def test_every_displacement_by_one_to_three_pixels_occurs() -> None:
    shifts = {flaws_of(1, EVERY, f"{S1_COLLECTION}/{i}").shift_px for i in range(3000)}
    assert shifts == {(x, y) for x in range(-3, 4) for y in range(-3, 4)} - {(0, 0)}


def test_offset_adds_a_thousand_to_every_band(planet: Planet) -> None:
    scene = scene_of(planet, S2_COLLECTION)
    grid = window(scene)
    plain = planet.read(scene, ["B2", "B8"], grid)
    for band, block in Flawed(planet, 0, EVERY).read(scene, ["B2", "B8"], grid).items():
        np.testing.assert_array_equal(block.values, plain[band].values + 1000)
        assert block.valid.all()


def test_shift_moves_the_image_and_not_the_labels(planet: Planet) -> None:
    scene, flawed = scene_of(planet, S1_COLLECTION), Flawed(planet, 0, parse_flaws("shift:1"))
    east, south = flaws_of(0, EVERY, scene.asset_id).shift_px
    assert (east, south) != (0, 0)
    grid = window(scene)
    plain = planet.read(scene, ["VV"], grid)["VV"].values
    moved = flawed.read(scene, ["VV"], grid)["VV"].values
    rows, columns = np.arange(10, 30), np.arange(10, 30)
    np.testing.assert_array_equal(
        moved[np.ix_(rows + south, columns + east)], plain[np.ix_(rows, columns)], "what was here lies there"
    )
    label = scene_of(planet, DW_COLLECTION)
    lying = window(label)
    one, two = (w.read(label, ["label"], lying)["label"].values for w in (planet, flawed))
    np.testing.assert_array_equal(one, two)


def test_border_noise_fills_a_strip_inside_the_edge(planet: Planet) -> None:
    scene, flawed = scene_of(planet, S1_COLLECTION), Flawed(planet, 0, parse_flaws("border:1"))
    width = flaws_of(0, EVERY, scene.asset_id).border_m
    assert width >= 3000
    edge = outline_m(scene.footprint, scene.grid.epsg).exterior
    corner = shapely.get_coordinates(edge)[2]
    inward = np.array(edge.centroid.coords[0]) - corner
    place = corner + inward / np.hypot(*inward) * width
    left, top = np.floor(place / 10) * 10 - np.array([660, -660])
    grid = PixelGrid(scene.grid.epsg, float(left), float(top), 132, 132)
    plain = planet.read(scene, ["VV", "VH"], grid)
    x, y = np.meshgrid(*grid.centres_m())
    near = shapely.distance(shapely.points(x, y), edge)
    assert near.min() < width - 600 < width < near.max(), "the window lies across the strip's inner edge"
    for band, block in flawed.read(scene, ["VV", "VH"], grid).items():
        noisy = block.values != plain[band].values
        assert noisy[block.valid & (near < width - 600)].all()
        assert not noisy[near >= width].any()
        assert BORDER_DB[0] <= block.values[noisy].min() <= block.values[noisy].max() <= BORDER_DB[1]
        np.testing.assert_array_equal(block.valid, plain[band].valid)


def test_overlapping_windows_show_the_same_noise(planet: Planet) -> None:
    scene, flawed = scene_of(planet, S1_COLLECTION), Flawed(planet, 0, EVERY)
    corner = shapely.get_coordinates(outline_m(scene.footprint, scene.grid.epsg).exterior)[2]
    left, top = (float(v) for v in np.floor(corner / 10) * 10)
    whole = PixelGrid(scene.grid.epsg, left - 4000, top + 4000, 80, 80)
    part = PixelGrid(scene.grid.epsg, left - 4000 + 170, top + 4000 - 110, 40, 50)
    one, two = (flawed.read(scene, ["VV"], grid)["VV"].values for grid in (whole, part))
    np.testing.assert_array_equal(one[11:61, 17:57], two)
