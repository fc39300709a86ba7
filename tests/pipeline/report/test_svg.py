from xml.etree import ElementTree as ET

import pytest

from pipeline.report.svg import add, drawing, markup, number


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (-0.001, "0"), (1.5, "1.5"), (2.346, "2.35"), (-12.0, "-12"), (100, "100")]
)
def test_coordinates_are_short(value: float, text: str) -> None:
    assert number(value) == text


def test_a_drawing_is_named_and_escapes_what_it_is_given() -> None:
    root = drawing(10, 20, title="a <b> & c", description='say "d"', css="chart")
    add(root, "text", "<script>", css="tick", text_anchor="end", x=1.25)
    text = str(markup(root))
    assert "<script>" not in text
    again = ET.fromstring(text)  # noqa: S314
    assert again.attrib == {"class": "chart", "role": "img", "viewBox": "0 0 10 20"}
    assert [child.text for child in again] == ["a <b> & c", 'say "d"', "<script>"]
    assert again[2].attrib == {"class": "tick", "text-anchor": "end", "x": "1.25"}
