from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.report import label_counts
from pipeline.report.label_counts import confusion, count_labels, evenly_spaced
from pipeline.schema.errors import NoldoError
from pipeline.schema.landcover import IGNORE

CODES = st.sampled_from([*range(9), IGNORE])


@settings(deadline=None, max_examples=40)
@given(arrays(np.uint8, (2, 5, 4), elements=CODES), arrays(np.uint8, (2, 5, 4), elements=CODES))
def test_confusion_counts_each_known_pair_once(truth: np.ndarray, label: np.ndarray) -> None:
    pairs = confusion(truth, label)
    expected = np.zeros((9, 9), dtype=int)
    for true, given_label in zip(truth.ravel(), label.ravel(), strict=True):
        if true != IGNORE and given_label != IGNORE:
            expected[true, given_label] += 1
    assert (pairs == expected).all()


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 5000), st.integers(1, 300))
def test_evenly_spaced_rows_are_distinct_sorted_and_reach_both_ends(total: int, most: int) -> None:
    rows = evenly_spaced(total, most)
    assert len(rows) == min(total, most)
    assert rows == sorted(set(rows))
    if most >= 2 and total:
        assert (rows[0], rows[-1]) == (0, total - 1)
        gaps = np.diff(rows)
        assert gaps.size == 0 or gaps.max() - gaps.min() <= 1


def test_counts_agree_with_the_arrays(make_run: Callable[..., Any]) -> None:
    fake = make_run(stored=3)
    counts = count_labels(fake.layout.store("nol"), fake.layout.truth)
    assert (counts.rows_in_store, counts.rows_counted) == (3, 3)
    for season in range(4):
        assert counts.labels[season].tolist() == [int((fake.label[:, season] == c).sum()) for c in range(9)]
        assert counts.unlabelled[season] == (fake.label[:, season] == IGNORE).sum()
    assert counts.truth is not None
    assert counts.truth.sum() == fake.truth.size
    known = fake.label != IGNORE
    assert counts.agreement == pytest.approx((fake.label == fake.truth)[known].mean())


def test_without_the_truth_nothing_is_said_about_it(make_run: Callable[..., Any]) -> None:
    counts = count_labels(make_run().layout.store("nol"), None)
    assert counts.truth is None
    assert counts.confusion is None
    assert counts.agreement is None


def test_a_large_store_is_counted_in_part(make_run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_counts, "COUNTED_ROWS", 2)
    fake = make_run(stored=5)
    counts = count_labels(fake.layout.store("nol"), None)
    assert (counts.rows_in_store, counts.rows_counted) == (5, 2)
    ends = fake.label[[0, 4]]
    assert counts.labels.sum() + counts.unlabelled.sum() == ends.size
    assert counts.unlabelled.sum() == (ends == IGNORE).sum()


def test_a_truth_of_another_shape_and_a_store_without_labels_are_refused(
    make_run: Callable[..., Any], tmp_path: Path
) -> None:
    fake = make_run()
    other = tmp_path / "other.zarr"
    zarr.create_group(other).create_array("truth", data=fake.truth[:2])
    with pytest.raises(NoldoError, match="shape"):
        count_labels(fake.layout.store("nol"), other)
    with pytest.raises(NoldoError, match="no array 'dw'"):
        count_labels(other, None)
