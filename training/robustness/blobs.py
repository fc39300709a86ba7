"""Blobs that cover a patch: seeded, as wide as asked for, in an order in which they are spoilt.

Dimensions: H rows, W columns, K blobs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt


@dataclass(frozen=True)
class Blobs:
    """A patch cut into blobs."""

    number: NDArray[np.int64]
    """(H, W): the blob that each pixel belongs to, 0..count-1, which is the one with the nearest centre."""
    turns: NDArray[np.int64]
    """(H * W,): all pixels, as places in a flattened map, in turn: blob after blob, each from its centre outward."""
    count: int
    """Blobs, K."""

    def in_turn(self, candidates_HW: NDArray[np.bool_]) -> NDArray[np.int64]:
        """The candidates, (N,), as places in a flattened map, in turn."""
        return self.turns[candidates_HW.ravel()[self.turns]]


def draw_blobs(side_px: int, blob_px: int, rng: np.random.Generator) -> Blobs:
    """Cut a square patch at random into blobs, the centre of each somewhere in its own square of `blob_px` a side."""
    corner = np.arange(0, side_px, blob_px)
    room = np.minimum(corner + blob_px, side_px)
    shape = (len(corner), len(corner))
    y = rng.integers(np.broadcast_to(corner[:, None], shape), np.broadcast_to(room[:, None], shape))
    x = rng.integers(np.broadcast_to(corner[None], shape), np.broadcast_to(room[None], shape))
    count = y.size
    centre_HW = np.full((side_px, side_px), -1)
    centre_HW[y.ravel(), x.ravel()] = np.arange(count)
    distance_HW, (near_y, near_x) = distance_transform_edt(centre_HW < 0, return_indices=True)
    number_HW = centre_HW[near_y, near_x].astype(np.int64)
    rank_K = rng.permutation(count)
    within_HW = distance_HW / (distance_HW.max() + 1.0)
    turns = np.argsort((rank_K[number_HW] + within_HW).ravel(), kind="stable")
    return Blobs(number_HW, turns, count)
