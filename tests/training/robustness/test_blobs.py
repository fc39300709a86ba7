"""Blobs cover a patch, in one seeded order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label

from training.robustness.blobs import draw_blobs


@settings(deadline=None, max_examples=25)
@given(side=st.integers(1, 70), blob=st.integers(2, 80), seed=st.integers(0, 2**20))
def test_every_pixel_is_in_the_blob_of_its_nearest_centre(side: int, blob: int, seed: int) -> None:
    blobs = draw_blobs(side, blob, np.random.default_rng(seed))
    assert blobs.count == (-(-side // blob)) ** 2
    assert set(np.unique(blobs.number)) == set(range(blobs.count))
    assert sorted(blobs.turns) == list(range(side * side))
    in_turn = blobs.number.flat[blobs.turns]
    begins = np.flatnonzero(np.diff(in_turn, prepend=-1))
    assert len(begins) == blobs.count  # blob after blob
    centre = np.empty(blobs.count, int)
    centre[in_turn[begins]] = blobs.turns[begins]
    y, x = np.divmod(np.arange(side * side), side)
    distance = np.hypot(y[:, None] - centre // side, x[:, None] - centre % side)
    own = distance[np.arange(side * side), blobs.number.ravel()]
    assert own == pytest.approx(distance.min(1))


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**20), share=st.floats(0, 1))
def test_candidates_keep_the_turns_that_they_have_among_all(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    blobs, candidates = draw_blobs(40, 8, rng), rng.random((40, 40)) < share
    assert blobs.in_turn(candidates).tolist() == [place for place in blobs.turns if candidates.flat[place]]


def test_what_comes_first_lies_together() -> None:
    blobs = draw_blobs(128, 16, np.random.default_rng(0))
    chosen = np.zeros((128, 128), bool)
    chosen.flat[blobs.turns[: 128 * 128 // 10]] = True
    patches, count = label(chosen)
    assert count <= 8
    assert np.bincount(patches[chosen]).max() >= 128


def test_the_same_seed_gives_the_same_blobs() -> None:
    first, again, other = (draw_blobs(64, 8, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first.turns, again.turns)
    assert np.array_equal(first.number, again.number)
    assert not np.array_equal(first.number, other.number)
