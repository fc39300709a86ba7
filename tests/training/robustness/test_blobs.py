"""Blobs cover a patch, in one seeded order."""

import numpy as np
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
    for number in range(blobs.count):  # blob after blob: the turns of one lie between those of any two others
        mine = blobs.turn[blobs.number == number]
        others = blobs.turn[blobs.number != number]
        assert not ((others > mine.min()) & (others < mine.max())).any()
        assert (mine == mine.min()).sum() == 1  # its centre


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**20), few=st.integers(0, 800), more=st.integers(0, 800))
def test_more_candidates_are_the_same_ones_and_others(seed: int, few: int, more: int) -> None:
    few, more = sorted((few, more))
    rng = np.random.default_rng(seed)
    blobs, candidates = draw_blobs(40, 8, rng), rng.random((40, 40)) < 0.6
    small, large = blobs.first(candidates, few), blobs.first(candidates, more)
    assert small.sum() == min(few, candidates.sum())
    assert not (small & ~large).any()
    assert not (large & ~candidates).any()


def test_what_comes_first_lies_together() -> None:
    blobs = draw_blobs(128, 16, np.random.default_rng(0))
    chosen = blobs.first(np.ones((128, 128), bool), 128 * 128 // 10)
    patches, count = label(chosen)
    assert count <= 8
    assert np.bincount(patches[chosen]).max() >= 128


def test_the_same_seed_gives_the_same_blobs() -> None:
    first, again, other = (draw_blobs(64, 8, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first.turn, again.turn)
    assert np.array_equal(first.number, again.number)
    assert not np.array_equal(first.number, other.number)
