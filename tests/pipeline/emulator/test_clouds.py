"""Clouds cover what their scene says they do, and the sun stands where it should."""

from datetime import UTC, datetime

import numpy as np
import pytest

from pipeline.emulator.clouds import sky, sun_at
from pipeline.emulator.frame import Frame
from pipeline.emulator.noise import key
from pipeline.emulator.tiles import tile_named
from pipeline.schema.grid import PixelGrid


@pytest.mark.parametrize("cloudy_pct", [3.0, 20.0, 55.0, 90.0])
def test_the_share_of_cloud_is_the_scenes_percentage(cloudy_pct: float) -> None:
    tile = tile_named("33TWL")
    assert tile is not None
    grid = tile.grid
    sun = sun_at(15.6, 45.2, datetime(2021, 6, 1, 10, tzinfo=UTC))
    shares = []
    for number in range(3):
        for place in range(14 * 14):
            left = grid.left_m + 7_600.0 * (place % 14) + 500.0
            top = grid.top_m - 7_600.0 * (place // 14) - 500.0
            over = sky(key(number), Frame.of(PixelGrid(grid.epsg, left, top, 9, 9)), grid, cloudy_pct, sun)
            shares.append(100 * float(np.mean(over.opacity > 0.5)))
    assert abs(float(np.mean(shares)) - cloudy_pct) < 3.5


def test_shadows_lie_away_from_the_sun() -> None:
    tile = tile_named("33TWL")
    assert tile is not None
    window = PixelGrid(tile.grid.epsg, tile.grid.left_m + 20_000, tile.grid.top_m - 20_000, 900, 900)
    sun = sun_at(15.6, 45.2, datetime(2021, 6, 15, 9, tzinfo=UTC))
    over = sky(key(1), Frame.of(window), tile.grid, 30.0, sun)
    assert over.shadow.max() > 0.5
    assert not ((over.opacity == 1.0) & (over.shadow > 0.0)).any()
    best = _best_shift(over.opacity > 0.5, over.shadow > 0.5)
    # Forenoon sun in the south-east: shadows fall to the north-west, toward lower rows and columns.
    assert best[0] < 0
    assert best[1] < 0


def _best_shift(cloud: np.ndarray, shadow: np.ndarray) -> tuple[int, int]:
    shifts = [(dy, dx) for dy in range(-200, 201, 20) for dx in range(-200, 201, 20)]
    overlap = [np.mean(np.roll(cloud, shift, (0, 1))[::4, ::4] & shadow[::4, ::4]) for shift in shifts]
    return shifts[int(np.argmax(overlap))]


def test_the_sun_of_known_moments() -> None:
    noon = sun_at(0.0, 23.44, datetime(2021, 6, 21, 12, tzinfo=UTC))
    assert noon.zenith_deg < 1.5
    winter = sun_at(15.0, 50.0, datetime(2021, 12, 21, 11, tzinfo=UTC))
    assert abs(winter.zenith_deg - 73.4) < 1.5
    assert abs(winter.azimuth_deg - 180.0) < 3.0
    morning = sun_at(15.0, 50.0, datetime(2021, 3, 21, 8, tzinfo=UTC))
    assert 90.0 < morning.azimuth_deg < 150.0
