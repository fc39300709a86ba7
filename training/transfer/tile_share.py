"""Which of the training tiles a run learns from, when it is to learn from a share of them."""

import numpy as np
from numpy.typing import NDArray

SHARE_STREAM = 5
"""Tells the choice's random numbers from others drawn of the same seed."""


def share_of_tiles(tiles: int, share: float, seed: int) -> NDArray[np.int64]:
    """Return rows of 0..tiles-1, ascending: `share` (0..1] of them, rounded, at least one.

    The choice is nested: of one seed, the rows of a smaller share are among those of a larger one.
    """
    order = np.random.default_rng([seed, SHARE_STREAM]).permutation(tiles)
    return np.sort(order[: max(1, round(share * tiles))])
