"""What a web map would show: an overlay is stretched evenly, in web Mercator, between its corners."""

import base64
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from pipeline.look.overlay import MERCATOR, overlay
from pipeline.schema.grid import PATCH_PX, PixelGrid, patch_grid, transformer


def pixels(layer: Any) -> NDArray[np.uint8]:
    picture = Image.open(io.BytesIO(base64.b64decode(layer.url.removeprefix("data:image/png;base64,"))))
    return np.asarray(picture)


def shown_at(layer: Any, lon: float, lat: float) -> tuple[int, ...]:
    """The colour (red, green, blue, opacity) that a web map shows at a place."""
    (low_lat, low_lon), (high_lat, high_lon) = layer.bounds
    to_map = transformer(4326, MERCATOR)
    (left, bottom), (right, top) = to_map.transform(low_lon, low_lat), to_map.transform(high_lon, high_lat)
    x, y = to_map.transform(lon, lat)
    shown = pixels(layer)
    row, column = (top - y) / (top - bottom) * shown.shape[0], (x - left) / (right - left) * shown.shape[1]
    return tuple(int(value) for value in shown[int(row), int(column)])


def where(grid: PixelGrid, row: int, column: int) -> tuple[float, float]:
    x, y = grid.centres_m()
    lon, lat = transformer(grid.epsg, 4326).transform(x[column], y[row])
    return float(lon), float(lat)


@settings(deadline=None, max_examples=20)
@given(
    st.floats(-179, 179), st.floats(-55, 80), st.integers(2, PATCH_PX - 3), st.integers(2, PATCH_PX - 3)
)  # fmt: skip
def test_a_pixel_is_shown_in_its_place(lon: float, lat: float, row: int, column: int) -> None:
    grid = patch_grid(lon, lat)
    picture = np.zeros((PATCH_PX, PATCH_PX, 3), np.uint8)
    picture[row - 1 : row + 2, column - 1 : column + 2] = (200, 40, 90)
    layer = overlay(picture, grid, "one")
    assert shown_at(layer, *where(grid, row, column)) == (200, 40, 90, 255)
    far = (row + PATCH_PX // 2) % (PATCH_PX - 20) + 10, column
    assert shown_at(layer, *where(grid, *far)) == (0, 0, 0, 255)


def test_colours_are_kept_and_the_rest_is_transparent() -> None:
    grid = patch_grid(8.9, 47.0)  # far from its zone's meridian, so the patch stands askew on the map
    picture = np.full((PATCH_PX, PATCH_PX, 3), (10, 20, 30), np.uint8)
    shown = pixels(overlay(picture, grid, "all", visible=False))
    found = {tuple(colour) for colour in shown.reshape(-1, 4).tolist()}
    assert found == {(10, 20, 30, 255), (0, 0, 0, 0)}


def test_a_picture_of_another_size_or_across_the_end_of_the_map_is_refused() -> None:
    grid = patch_grid(8.9, 47.0)
    with pytest.raises(ValueError, match=r"uint8 \(4, 4, 3\), expected uint8 \(264, 264, 3\)"):
        overlay(np.zeros((4, 4, 3), np.uint8), grid, "small")
    with pytest.raises(ValueError, match="crosses 180 degrees"):
        overlay(np.zeros((PATCH_PX, PATCH_PX, 3), np.uint8), patch_grid(179.9999, 10.0), "there")
