"""An expert draws nearly the truth; what two of three say stays; the model's band is another matter."""

import numpy as np
import pytest

from pipeline.emulator.expert_hand import ERROR_SHARE, MODEL_ERROR_SHARE, agreed, drawn, modelled
from pipeline.schema.grid import PixelGrid
from pipeline.schema.tiles import EXPERT_CLOUD as CLOUD
from pipeline.schema.tiles import EXPERT_UNMARKED as UNMARKED

GRID = PixelGrid(32720, 500_000.0, 8_000_000.0, 200, 200)
COVER = np.random.default_rng(0).integers(0, 9, (25, 25), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
CLOUDED = np.zeros(COVER.shape, dtype=np.bool_)
CLOUDED[:40, :60] = True


@pytest.mark.parametrize("hand", range(3))
def test_one_expert_errs_seldom_and_leaves_some_unmarked(hand: int) -> None:
    tile = drawn(hand, COVER, CLOUDED, GRID)
    assert set(np.unique(tile)) == set(range(11))
    assert 0.04 < np.mean(tile == UNMARKED) < 0.42
    assert ((tile == CLOUD) <= CLOUDED).all()
    assert not ((tile[CLOUDED] != CLOUD) & (tile[CLOUDED] != UNMARKED)).any()
    marked = (tile != UNMARKED) & (tile != CLOUD)
    assert 1 - np.mean(tile[marked] == COVER[marked] + 1) == pytest.approx(ERROR_SHARE, abs=0.02)
    assert np.array_equal(tile, drawn(hand, COVER, CLOUDED, GRID))


def test_two_of_three_err_less_than_one_and_never_say_cloud() -> None:
    tile = agreed(5, COVER, CLOUDED, GRID)
    assert (tile[CLOUDED] == UNMARKED).all()
    marked = tile != UNMARKED
    assert 1 - np.mean(tile[marked] == COVER[marked] + 1) < ERROR_SHARE / 3


def test_the_models_band_counts_from_another_zero_and_errs_often() -> None:
    band = modelled(5, COVER, GRID)
    assert band.max() == 8
    assert np.mean(band != COVER) == pytest.approx(MODEL_ERROR_SHARE, abs=0.01)
