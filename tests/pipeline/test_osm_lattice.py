"""Maps planned over tiles anywhere on Earth: they cover every pixel, and their pixels lie where they are said to."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.osm_lattice import WORLD, plan_windows
from pipeline.schema.grid import PixelGrid, patch_grid, transformer


@settings(deadline=None, max_examples=40)
@given(
    st.floats(-180, 180), st.floats(-55, 80), st.sampled_from(sorted(WORLD)), st.integers(20, 90), st.integers(2, 4),
    st.integers(64, 200),
)  # fmt: skip
@example(lon=179.999, lat=-16.6, crs="EPSG:3857", size=60, oversampling=2, max_px=90)
@example(lon=-179.999, lat=66.0, crs="EPSG:4326", size=60, oversampling=2, max_px=200)
@example(lon=0.0, lat=0.0, crs="EPSG:3857", size=60, oversampling=2, max_px=200)
def test_every_pixel_of_a_tile_has_its_share_of_map_pixels(
    lon: float, lat: float, crs: str, size: int, oversampling: int, max_px: int
) -> None:
    grid = patch_grid(lon, lat, size)
    votes = np.zeros(size * size, dtype=np.int64)
    for placed in plan_windows(grid, crs, oversampling, max_px):
        window = placed.window
        assert max(window.width_px, window.height_px) <= max_px
        assert -WORLD[crs] / 2 - 1e-6 <= window.left < window.right <= WORLD[crs] / 2 + 1e-6
        pixels = placed.pixels(grid)
        assert pixels.shape == (window.height_px, window.width_px)
        votes += np.bincount(pixels[pixels >= 0], minlength=size * size)
    assert votes.min() >= 1
    assert votes.mean() == pytest.approx(oversampling**2, rel=0.12)


@settings(deadline=None, max_examples=25)
@given(st.floats(-180, 180), st.floats(-55, 80), st.sampled_from(sorted(WORLD)), st.data())
def test_map_pixels_lie_where_the_coordinate_systems_say(lon: float, lat: float, crs: str, data: st.DataObject) -> None:
    grid = patch_grid(lon, lat, 512)
    placed = data.draw(st.sampled_from(plan_windows(grid, crs, 2, 1024)))
    window, pixels = placed.window, placed.pixels(grid)
    row = data.draw(st.integers(0, window.height_px - 1))
    column = data.draw(st.integers(0, window.width_px - 1))
    x = window.left + (column + 0.5) * (window.right - window.left) / window.width_px
    y = window.top - (row + 0.5) * (window.top - window.bottom) / window.height_px
    east, north = transformer(int(crs[5:]), grid.epsg).transform(x, y)
    across, down = (east - grid.left_m) / 10.0, (grid.top_m - north) / 10.0
    if min(abs(across - round(across)), abs(down - round(down))) < 0.01:
        return  # on the edge of a pixel, where a millimetre decides
    inside = 0 <= across < 512 and 0 <= down < 512
    assert pixels[row, column] == (math.floor(down) * 512 + math.floor(across) if inside else -1)


def test_maps_of_one_tile_neither_overlap_nor_leave_a_gap() -> None:
    grid = PixelGrid(32632, 600_000.0, 5_300_000.0, 300, 200)
    windows = [placed.window for placed in plan_windows(grid, "EPSG:3857", 2, 256)]
    columns = sorted({(round(w.left, 6), round(w.right, 6)) for w in windows})
    rows = sorted({(round(w.bottom, 6), round(w.top, 6)) for w in windows})
    assert len(windows) == len(columns) * len(rows) > 1
    for edges in (columns, rows):
        assert all(end == start for (_, end), (start, _) in itertools.pairwise(edges))


def test_a_system_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="EPSG:2056"):
        plan_windows(patch_grid(8.0, 47.0, 10), "EPSG:2056", 2, 256)
