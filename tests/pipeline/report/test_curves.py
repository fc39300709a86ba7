import math
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.report.curves import Line, line_chart, short, ticks, whole_ticks

VALUES = st.floats(-1e6, 1e6).filter(lambda v: v == 0 or abs(v) > 1e-6)


@settings(deadline=None, max_examples=200)
@given(st.lists(VALUES, min_size=1, max_size=20))
def test_ticks_enclose_the_values_in_a_few_even_steps(values: list[float]) -> None:
    marks = ticks(values)
    slack = 1e-6 * (marks[-1] - marks[0])
    assert marks[0] <= min(values) + slack
    assert marks[-1] >= max(values) - slack
    assert 2 <= len(marks) <= 8
    steps = [b - a for a, b in pairwise(marks)]
    assert max(steps) - min(steps) <= 1e-6 * max(steps)


@given(st.integers(0, 50), st.integers(0, 400))
def test_epochs_are_marked_by_few_whole_numbers(low: int, more: int) -> None:
    marks = whole_ticks(low, low + more)
    assert 1 <= len(marks) <= 7 or more == 0
    assert all(low <= n <= low + more for n in marks)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.005, "0.005"), (1.4532, "1.45"), (1234, "1234"), (2e-5, "2e-5"), (1.25e6, "1.25e6")],
)
def test_short_numbers(value: float, text: str) -> None:
    assert short(value) == text


def test_a_falling_line_goes_down_and_its_ends_are_told() -> None:
    chart = line_chart([Line("train", ((1, 4.0), (2, 3.0), (3, 1.5)), "train")], title="Loss", x_name="epoch")
    assert chart is not None
    root = ET.fromstring(chart)  # noqa: S314
    assert root.find("desc").text == "train from 4 to 1.5"
    line = root.find("g/path").get("d")
    points = [tuple(map(float, p.split())) for p in line[1:].split("L")]
    assert [p[0] for p in points] == sorted(p[0] for p in points)
    assert [p[1] for p in points] == sorted(p[1] for p in points)
    assert "train 1.5" in [text.text for text in root.iter("text")]


def test_labels_at_the_ends_of_two_equal_lines_do_not_touch() -> None:
    lines = [Line("train", ((1, 2.0), (2, 1.0)), "train"), Line("held out", ((1, 3.0), (2, 1.0)), "held-out")]
    root = ET.fromstring(line_chart(lines, title="Loss", x_name="epoch"))  # noqa: S314
    heights = [float(text.get("y")) for text in root.iterfind("g/text")]
    assert abs(heights[0] - heights[1]) >= 12


def test_one_epoch_is_drawn_and_none_is_not() -> None:
    assert line_chart([Line("train", ((1, 2.0),), "train")], title="Loss", x_name="epoch")
    assert line_chart([Line("train", ((1, math.nan),), "train")], title="Loss", x_name="epoch") is None
    assert line_chart([], title="Loss", x_name="epoch") is None
