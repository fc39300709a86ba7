from xml.etree import ElementTree as ET

import numpy as np
import pytest

from pipeline.report.bars import class_histogram, weight_histogram
from pipeline.report.label_counts import LabelCounts
from pipeline.report.selection import WeightSpread


def counts(truth: np.ndarray | None) -> LabelCounts:
    labels = np.zeros((4, 9), dtype=np.int64)
    labels[:, 1], labels[:, 6] = 300, 100
    return LabelCounts(1, 1, labels, np.zeros(4, dtype=np.int64), truth, None)


def test_bars_are_as_long_as_the_shares_and_the_truth_is_marked_among_them() -> None:
    truth = np.zeros((4, 9), dtype=np.int64)
    truth[:, 1] = truth[:, 6] = 200
    root = ET.fromstring(class_histogram(counts(truth)))  # noqa: S314
    widths = [float(bar.get("width")) for bar in root.iter("rect")]
    assert len(widths) == 36
    trees, built = widths[4:8], widths[24:28]
    assert trees == [trees[0]] * 4
    assert trees[0] == pytest.approx(3 * built[0], abs=0.05)
    marks = [path for path in root.iter("path") if path.get("class") == "truth-mark"]
    assert len(marks) == 9
    x_of = [float(mark.get("d").split()[0][1:]) for mark in marks]
    assert x_of[1] == x_of[6] > x_of[0]
    assert "trees 75.0\u202f%" in root.find("desc").text


def test_without_the_truth_nothing_is_marked() -> None:
    assert "truth-mark" not in class_histogram(counts(None))


def test_an_empty_store_is_drawn_without_bars() -> None:
    empty = LabelCounts(0, 0, np.zeros((4, 9), dtype=np.int64), np.zeros(4, dtype=np.int64), None, None)
    root = ET.fromstring(class_histogram(empty))  # noqa: S314
    assert {bar.get("width") for bar in root.iter("rect")} == {"0"}


def test_right_and_wrong_labels_have_bars_of_their_own() -> None:
    spread = WeightSpread("s2", (0.0,) * 9 + (1.0,), (0.5, 0.5) + (0.0,) * 8, 0.95, 0.1)
    root = ET.fromstring(weight_histogram(spread))  # noqa: S314
    right = [float(bar.get("height")) for bar in root.iter("rect") if bar.get("class") == "bar-right"]
    wrong = [float(bar.get("height")) for bar in root.iter("rect") if bar.get("class") == "bar-wrong"]
    assert (len(right), len(wrong)) == (10, 10)
    assert right[9] == 2 * wrong[0] == 2 * wrong[1]
    assert sum(right[:9]) == sum(wrong[2:]) == 0
