"""Scores by hand, and against scikit-learn and a brute-force AUC."""

import numpy as np
import pytest
import sklearn.metrics as sklearn
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

from training.metrics import WeightCounts, confusion_matrix, scores

HAND_MADE = torch.tensor([[6, 2, 0], [1, 3, 0], [0, 0, 0]])
"""12 pixels: 8 of class 0, 4 of class 1, none of class 2."""


def test_a_hand_made_matrix() -> None:
    found = scores(HAND_MADE)
    assert found.pixels == 12
    assert found.oa == pytest.approx(9 / 12)
    assert found.aa == pytest.approx((6 / 8 + 3 / 4) / 2)
    assert found.miou == pytest.approx((6 / 9 + 3 / 6) / 2)
    assert found.mf1 == pytest.approx((12 / 15 + 6 / 9) / 2)
    assert list(found.per_class_recall) == [pytest.approx(0.75), pytest.approx(0.75), None]
    assert list(found.per_class_iou) == [pytest.approx(6 / 9), pytest.approx(0.5), None]
    assert list(found.per_class_f1) == [pytest.approx(12 / 15), pytest.approx(6 / 9), None]


def test_a_class_that_is_only_predicted_costs_the_others_but_has_no_score() -> None:
    found = scores(torch.tensor([[1, 0, 1], [0, 2, 0], [0, 0, 0]]))
    assert list(found.per_class_iou) == [pytest.approx(0.5), pytest.approx(1.0), None]
    assert found.miou == pytest.approx(0.75)


def test_nothing_to_score_is_refused() -> None:
    with pytest.raises(ValueError, match="no pixel"):
        scores(torch.zeros((3, 3), dtype=torch.int64))


def test_the_matrix_counts_target_by_prediction_and_leaves_out_the_unlabelled() -> None:
    prediction = torch.tensor([0, 1, 1, 255, 2], dtype=torch.uint8)
    target = torch.tensor([0, 0, 1, 1, 255], dtype=torch.uint8)
    assert confusion_matrix(prediction, target, 3).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), classes=st.integers(2, 13), batch=st.integers(1, 700), ignored=st.floats(0.0, 0.9))
def test_scores_are_those_of_scikit_learn_whatever_the_batch_size(
    seed: int, classes: int, batch: int, ignored: float
) -> None:
    rng = np.random.default_rng(seed)
    occurring = rng.choice(classes, size=rng.integers(1, classes + 1), replace=False)
    target = rng.choice(occurring, size=700).astype(np.uint8)
    prediction = rng.integers(0, classes, size=700).astype(np.uint8)
    target[rng.random(700) < ignored] = 255
    target[0] = occurring[0]
    in_batches = sum(
        (
            confusion_matrix(
                torch.from_numpy(prediction[i : i + batch]), torch.from_numpy(target[i : i + batch]), classes
            )
            for i in range(0, 700, batch)
        ),
        start=torch.zeros((classes, classes), dtype=torch.int64),
    )
    counted = target != 255
    truth, said = target[counted], prediction[counted]
    assert in_batches.tolist() == sklearn.confusion_matrix(truth, said, labels=range(classes)).tolist()
    found, present = scores(in_batches), np.unique(truth)
    assert found.pixels == counted.sum()
    assert found.oa == pytest.approx(sklearn.accuracy_score(truth, said))
    means = {"average": "macro", "labels": present, "zero_division": 0}
    assert found.aa == pytest.approx(sklearn.recall_score(truth, said, **means))
    assert found.miou == pytest.approx(sklearn.jaccard_score(truth, said, **means))
    assert found.mf1 == pytest.approx(sklearn.f1_score(truth, said, **means))
    singly = sklearn.f1_score(truth, said, average=None, labels=present, zero_division=0)
    assert [found.per_class_f1[c] for c in present] == pytest.approx(singly.tolist())
    assert all(found.per_class_f1[c] is None for c in set(range(classes)) - set(present.tolist()))


def brute_force_auc(weight: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    pairs = [(a, b) for a in weight[right] for b in weight[~right]]
    return float(sum((a > b) + 0.5 * (a == b) for a, b in pairs) / len(pairs))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31))
def test_the_auc_is_that_of_all_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.integers(0, 11, size=60) / 10
    label, truth = rng.integers(0, 2, size=60), rng.integers(0, 2, size=60)
    truth[:4], label[:4] = (0, 1, 0, 1), (0, 1, 1, 0)
    counts = WeightCounts(2)
    for part in (slice(0, 25), slice(25, 60)):
        counts.add(
            torch.from_numpy(weight[part]).float(),
            torch.from_numpy(label[part]).to(torch.uint8),
            torch.from_numpy(truth[part]).to(torch.uint8),
        )
    assert counts.auc() == pytest.approx(brute_force_auc(weight, label == truth))
    for c, found in enumerate(counts.auc_per_class()):
        assert found == pytest.approx(brute_force_auc(weight[label == c], (label == truth)[label == c]))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.5, 6.0))
def test_small_weights_are_told_apart_as_well_as_large_ones(seed: int, decades: float) -> None:
    """As many weights below 1/1000 as above it, say; scipy's Mann-Whitney U is the measure."""
    rng = np.random.default_rng(seed)
    weight = (10 ** rng.uniform(-decades, 0, 500)).astype(np.float32)
    weight[rng.random(500) < 0.2] = 1.0
    label, truth = np.zeros(500, np.uint8), (rng.random(500) < 0.4).astype(np.uint8)
    truth[:2] = 0, 1
    counts = WeightCounts(2)
    counts.add(torch.from_numpy(weight), torch.from_numpy(label), torch.from_numpy(truth))
    right = truth == 0
    expected = mannwhitneyu(weight[right], weight[~right]).statistic / (right.sum() * (~right).sum())
    assert counts.auc() == pytest.approx(expected, abs=2e-3)
    assert counts.auc_per_class()[1] is None


def test_the_ends_of_the_weights_have_bins() -> None:
    counts = WeightCounts(1)
    ends = torch.tensor([0.0, 2.0**-30, 2.0**-24, 1.0 - 2.0**-24, 1.0])
    nothing = torch.zeros(5, dtype=torch.uint8)
    counts.add(ends, nothing, nothing)
    assert counts.counts_C2K[0, 1].nonzero()[:, 0].tolist() == [0, 1, counts.BINS - 2, counts.BINS - 1]
    assert int(counts.counts_C2K[0, 1, 0]) == 2


def test_the_auc_is_none_where_nothing_is_wrong_and_leaves_out_the_unlabelled() -> None:
    counts = WeightCounts(2)
    weight, label = torch.tensor([0.1, 0.9, 0.5]), torch.tensor([0, 1, 255], dtype=torch.uint8)
    counts.add(weight, label, torch.tensor([0, 1, 0], dtype=torch.uint8))
    assert counts.auc() is None
    assert counts.auc_per_class() == (None, None)
    assert int(counts.counts_C2K.sum()) == 2
