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
    turn: NDArray[np.float64]
    """(H, W): when each pixel's turn comes, the smallest first: blob after blob, each from its centre outward."""
    count: int
    """Blobs, K."""

    def first(self, candidates_HW: NDArray[np.bool_], wanted: int) -> NDArray[np.bool_]:
        """The `wanted` candidates whose turn comes first: bool (H, W). More wanted are the same ones and others."""
        place_N = np.flatnonzero(candidates_HW)
        chosen_N = place_N[np.argsort(self.turn.ravel()[place_N], kind="stable")[:wanted]]
        chosen_HW = np.zeros(candidates_HW.size, bool)
        chosen_HW[chosen_N] = True
        return chosen_HW.reshape(candidates_HW.shape)


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
    return Blobs(number_HW, rank_K[number_HW] + within_HW, count)
