"""The map service's pictures: the legend's colours within areas, blends at their edges."""

import numpy as np
import pytest

from pipeline.emulator.map_drawing import MapView, draw_map
from pipeline.schema.grid import transformer
from pipeline.schema.landcover import OSM_CLASSES

SEED = 7
COLOURS = {tuple(int(entry.colour[at : at + 2], 16) for at in (1, 3, 5)) for entry in OSM_CLASSES}


def view(crs: str = "EPSG:3857", metres: float = 800.0, size: int = 160) -> MapView:
    x, y = transformer(4326, int(crs[5:])).transform(11.5, 48.1)
    half = metres if crs == "EPSG:3857" else metres / 111_000.0
    return MapView(crs, x - half, y - half, x + half, y + half, size, size)


def test_areas_have_the_legends_colours_and_only_edges_are_blended() -> None:
    image = draw_map(SEED, view(), transparent=True)
    pure = np.array([tuple(pixel[:3]) in COLOURS for pixel in image.reshape(-1, 4).tolist()]).reshape(160, 160)
    clear = image[..., 3] == 0
    soft = ~pure & ~clear
    assert 0.01 < soft.mean() < 0.3
    assert (image[pure & (image[..., 3] == 255)][:, 3] == 255).all()
    assert set(np.unique(image[..., 3]).tolist()) <= {0, 64, 128, 191, 255}


def test_without_transparency_what_is_not_mapped_is_white_paper() -> None:
    clear = draw_map(SEED, view(), transparent=True)
    paper = draw_map(SEED, view(), transparent=False)
    assert (paper[..., 3] == 255).all()
    assert (paper[clear[..., 3] == 0] == 255).all()
    mapped = clear[..., 3] == 255
    np.testing.assert_array_equal(paper[mapped], clear[mapped])


def test_pieces_of_a_map_are_those_of_the_whole() -> None:
    whole = view()
    middle = (whole.left + whole.right) / 2
    left = MapView(whole.crs, whole.left, whole.bottom, middle, whole.top, 80, 160)
    piece, image = draw_map(SEED, left, transparent=True), draw_map(SEED, whole, transparent=True)
    # Positions between nodes differ by micrometres, which may decide a pixel's edge here and there.
    assert (piece == image[:, :80]).all(axis=2).mean() > 0.999


@pytest.mark.parametrize(("crs", "expected"), [("EPSG:3857", 6.68), ("EPSG:4326", 10.03)])
def test_a_pixel_is_as_large_as_it_is_on_the_ground(crs: str, expected: float) -> None:
    assert view(crs).pixel_m == pytest.approx(expected, rel=0.01)
