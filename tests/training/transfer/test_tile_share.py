from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.transfer.tile_share import share_of_tiles

SHARES = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0)


@given(tiles=st.integers(1, 400), seed=st.integers(0, 2**31 - 1))
def test_a_share_holds_every_smaller_one(tiles: int, seed: int) -> None:
    chosen = [share_of_tiles(tiles, share, seed) for share in SHARES]
    for rows, share in zip(chosen, SHARES, strict=True):
        assert len(rows) == max(1, round(share * tiles))
        assert len(np.unique(rows)) == len(rows)
        assert (np.diff(rows) > 0).all()
    for smaller, larger in pairwise(chosen):
        assert set(smaller.tolist()) <= set(larger.tolist())
    assert chosen[-1].tolist() == list(range(tiles))


def test_the_choice_is_the_seeds_alone() -> None:
    first = share_of_tiles(300, 0.1, 3)
    assert first.tolist() == share_of_tiles(300, 0.1, 3).tolist()
    assert first.tolist() != share_of_tiles(300, 0.1, 4).tolist()
