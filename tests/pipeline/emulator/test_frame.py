"""Positions: the same in every window, and the same ground in every zone."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.emulator.frame import EARTH_M, Frame
from pipeline.schema.grid import PixelGrid, transformer

GRIDS = st.builds(
    PixelGrid, epsg=st.sampled_from([32601, 32633, 32660, 32733]),
    left_m=st.integers(20_000, 70_000).map(lambda v: v * 10.0),
    top_m=st.integers(150_000, 600_000).map(lambda v: v * 10.0), width_px=st.just(40), height_px=st.just(30),
)  # fmt: skip


@settings(deadline=None, max_examples=25)
@given(grid=GRIDS, column=st.integers(0, 20), row=st.integers(0, 20))
def test_a_part_has_the_positions_of_the_whole(grid: PixelGrid, column: int, row: int) -> None:
    part = PixelGrid(grid.epsg, grid.left_m + 10 * column, grid.top_m - 10 * row, 10, 10)
    whole, inner = Frame.of(grid), Frame.of(part)
    cut = (slice(row, row + 10), slice(column, column + 10))
    assert np.array_equal(whole.x[cut], inner.x)
    assert np.array_equal(whole.y[cut], inner.y)
    assert np.array_equal(whole.fine(3, 60.0)[cut], inner.fine(3, 60.0))
    assert np.array_equal(whole.lift(whole.slow(4, (900.0,)))[cut], inner.lift(inner.slow(4, (900.0,))))


def test_positions_are_right_to_a_few_centimetres() -> None:
    grid = PixelGrid(32633, 300_000.0, 5_200_000.0, 60, 60)
    frame = Frame.of(grid)
    lon, lat = transformer(32633, 4326).transform(*np.meshgrid(*grid.centres_m()))
    assert np.abs(frame.x - np.radians(lon) * EARTH_M).max() < 0.05
    assert np.abs(frame.y - np.arcsinh(np.tan(np.radians(lat))) * EARTH_M).max() < 0.05
