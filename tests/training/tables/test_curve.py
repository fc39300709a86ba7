from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from matplotlib.figure import Figure

from training.tables.curve import INK, SOFT, efficiency_figure, themed_svg
from training.tables.efficiency_table import efficiency_lines
from training.tables.runs import TransferRun

MakeRun = Callable[..., TransferRun]


@pytest.fixture
def draw(make_run: MakeRun) -> Callable[[], Figure]:
    runs = [
        make_run(name, *scores, input=band, s2_bands=13 if band == "S2" else None, train_share=share)
        for name, scores in {"random <&>": (0.2, 0.4), "midF": (0.5,)}.items()
        for band in ("S1", "S2")
        for share in (0.01, 0.1, 1.0)
    ]
    return lambda: efficiency_figure("dw", efficiency_lines("dw", runs))


def test_each_input_has_a_panel_and_each_name_one_colour(draw: Callable[[], Figure]) -> None:
    figure = draw()
    panels = [axis for axis in figure.axes if axis.get_visible()]
    assert [axis.get_title() for axis in panels] == ["SSL4EO-S12@DW, S1, frozen", "SSL4EO-S12@DW, S2, frozen"]
    colours = [[str(lines[0].get_color()) for lines in axis.containers] for axis in panels]
    assert colours[0] == colours[1]
    assert len(set(colours[0])) == 2
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["midF", "random <&>"]


def test_points_are_means_in_percent_at_their_share(draw: Callable[[], Figure]) -> None:
    line = draw().axes[0].containers[1][0]
    assert list(line.get_xdata()) == [1.0, 10.0, 100.0]
    assert list(line.get_ydata()) == pytest.approx([30.0, 30.0, 30.0])


def test_the_drawing_takes_the_pages_ink_and_is_the_same_each_time(draw: Callable[[], Figure]) -> None:
    drawing = themed_svg(draw())
    root = ET.fromstring(drawing)  # noqa: S314 - our own
    assert root.tag.endswith("svg")
    assert INK not in drawing
    assert SOFT not in drawing
    assert "currentColor" in drawing
    assert "random &lt;&amp;&gt;" in drawing
    assert themed_svg(draw()) == drawing
