"""The planet's OpenStreetMap: mostly right, in places empty or badly wrong, and the same from every side."""

from datetime import UTC, datetime

import numpy as np
import pytest

from pipeline.emulator.land_use import CELL_M, EMPTY_SHARE, MISTAKEN, WRONG_SHARE, Quality, land_use, qualities
from pipeline.emulator.planet import Planet
from pipeline.schema.grid import PixelGrid, patch_grid
from pipeline.schema.landcover import IGNORE, OSM_ADMITS, OSM_CLASSES

SEED = 7
SUMMER = datetime(2021, 7, 20, tzinfo=UTC)


def agreement(grid: PixelGrid) -> float:
    """Share of the mapped pixels whose class admits the true land cover."""
    codes, cover = land_use(SEED, grid), Planet(SEED).truth(grid, SUMMER)
    table = np.zeros((256, 9), dtype=bool)
    for code, admitted in OSM_ADMITS.items():
        table[code, sorted(admitted)] = True
    mapped = codes != IGNORE
    return float(table[codes, cover][mapped].mean())


def test_a_good_square_agrees_with_the_land_and_leaves_some_of_it_out() -> None:
    grid = patch_grid(11.5, 48.1, 264)
    assert qualities(SEED, grid) == {"good"}
    assert agreement(grid) > 0.95
    assert 0.02 < (land_use(SEED, grid) == IGNORE).mean() < 0.5


def test_a_wrong_square_agrees_with_nothing_and_an_empty_one_says_nothing() -> None:
    wrong, empty = patch_grid(179.999, -16.6, 120), patch_grid(100.0, 15.0, 120)
    assert (qualities(SEED, wrong), qualities(SEED, empty)) == ({"wrong"}, {"empty"})
    assert agreement(wrong) < 0.05
    assert (land_use(SEED, empty) == IGNORE).all()


def test_a_mistake_is_never_admitted_by_the_land_it_was_drawn_from() -> None:
    for code, mistaken in MISTAKEN.items():
        assert not OSM_ADMITS[code] & OSM_ADMITS[mistaken], (code, mistaken)


def test_overlapping_windows_agree() -> None:
    one = PixelGrid(32632, 690_000.0, 5_330_000.0, 90, 80)
    other = PixelGrid(32632, 690_300.0, 5_329_800.0, 90, 80)
    np.testing.assert_array_equal(land_use(SEED, one)[20:80, 30:90], land_use(SEED, other)[:60, :60])


def test_squares_come_in_the_shares_that_are_promised() -> None:
    found: dict[frozenset[Quality], int] = {}
    for number in range(400):  # places in the plane of one zone, in as many squares
        column, row = number % 20, number // 20
        grid = PixelGrid(32732, 200_000.0 + column * CELL_M, 9_900_000.0 - row * CELL_M, 1, 1)
        found[qualities(SEED, grid)] = found.get(qualities(SEED, grid), 0) + 1
    assert found[frozenset({"empty"})] / 400 == pytest.approx(EMPTY_SHARE, abs=0.06)
    assert found[frozenset({"wrong"})] / 400 == pytest.approx(WRONG_SHARE, abs=0.06)


def test_every_class_is_found_somewhere() -> None:
    places = [(11.5, 48.1), (100.5, 13.7), (-60.0, -33.0), (10.0, 45.0), (90.5, 22.3)]
    seen = set().union(*(np.unique(land_use(SEED, patch_grid(*place, 264))).tolist() for place in places))
    assert seen - {IGNORE} == {entry.code for entry in OSM_CLASSES}
