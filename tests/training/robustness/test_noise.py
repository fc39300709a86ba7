"""Noisy labels have the rate asked for, nest, and leave alone what has no label."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from training.robustness.blobs import draw_blobs
from training.robustness.noise import blobs_relabelled, draw_other_classes, mistakes_kept

RATES = (0.02, 0.1, 0.2, 0.5, 1.0)


def clean_labels(rng: np.random.Generator, side: int = 48) -> NDArray[np.uint8]:
    labels = rng.integers(0, 9, size=(4, side // 8, side // 8)).repeat(8, 1).repeat(8, 2).astype(np.uint8)
    labels[rng.random(labels.shape) < 0.2] = 255
    return labels


def assert_nested(made: NDArray[np.uint8], clean: NDArray[np.uint8]) -> None:
    assert (made[:, clean == 255] == 255).all()
    assert (made[:, clean != 255] != 255).all()
    for low, high in pairwise(made):
        wrong = low != clean
        assert (high[wrong] == low[wrong]).all()


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**20), frequent=st.booleans())
def test_relabelled_blobs_have_the_rate_in_every_map(seed: int, frequent: bool) -> None:
    rng = np.random.default_rng(seed)
    clean, blobs = clean_labels(rng), draw_blobs(48, 8, rng)
    weight = np.bincount(clean.ravel(), minlength=256)[:9].astype(float) if frequent else np.ones(9)
    made = blobs_relabelled(clean, RATES, blobs, draw_other_classes(blobs.count, weight, rng))
    assert_nested(made, clean)
    for noisy, rate in zip(made, RATES, strict=True):
        for noisy_map, clean_map in zip(noisy, clean, strict=True):
            labelled = int((clean_map != 255).sum())
            assert abs(int((noisy_map != clean_map).sum()) - rate * labelled) <= 0.5


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**20))
def test_kept_mistakes_are_the_labels_own(seed: int) -> None:
    rng = np.random.default_rng(seed)
    clean, blobs = clean_labels(rng), draw_blobs(48, 8, rng)
    labels = np.where((rng.random(clean.shape) < 0.3) & (clean != 255), (clean + 1) % 9, clean).astype(np.uint8)
    made = mistakes_kept(labels, clean, RATES, blobs)
    assert_nested(made, clean)
    assert np.array_equal(made[-1], labels)
    assert ((made == labels) | (made == clean)).all()
    for noisy, kept in zip(made, RATES, strict=True):
        for season in range(4):
            mistakes = int((labels[season] != clean[season]).sum())
            assert abs(int((noisy[season] != clean[season]).sum()) - kept * mistakes) <= 0.5


def test_other_classes_are_drawn_as_often_as_they_weigh() -> None:
    weight = np.array([4.0, 2.0, 1.0, 1.0, 0.0])
    drawn = draw_other_classes(40_000, weight, np.random.default_rng(0))
    for own in range(5):
        counts = np.bincount(drawn[:, own], minlength=5)
        rest = np.where(np.arange(5) == own, 0.0, weight)
        assert counts[own] == 0
        assert counts / len(drawn) == pytest.approx(rest / rest.sum(), abs=0.01)


def test_where_no_other_class_occurs_all_others_are_as_likely() -> None:
    drawn = draw_other_classes(10_000, np.array([0.0, 3.0, 0.0]), np.random.default_rng(0))
    assert np.bincount(drawn[:, 1], minlength=3) / 10_000 == pytest.approx([0.5, 0.0, 0.5], abs=0.02)
    assert (drawn[:, [0, 2]] == 1).all()
