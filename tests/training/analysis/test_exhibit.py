import csv
from dataclasses import dataclass
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image

from training.analysis.exhibit import Exhibit, write_exhibit, write_rows
from training.analysis.figures.style import DPI, INCHES, legend_below, line_styles, panels


@dataclass(frozen=True)
class Row:
    name: str
    value: float | None
    parts: tuple[int, ...] = ()


def draw() -> Figure:
    figure, axes = panels(1, 2, height=3.0)
    axes[0][0].plot([0, 1], [0, 1], label="a line")
    legend_below(figure, axes[0][0])
    return figure


def test_a_figure_is_written_thrice_and_alike_each_time(tmp_path: Path) -> None:
    rows = [Row("a, b", 0.25), Row("c", None, (1, 2))]
    exhibit = Exhibit("fig", "A figure", "Read it.", rows, draw)
    written = write_exhibit(exhibit, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(before) == {"fig.png", "fig.svg", "fig.csv"}
    write_exhibit(exhibit, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    with Image.open(written.png) as image:
        assert image.size == (round(INCHES * DPI), 3 * DPI)
        assert image.info["dpi"][0] == pytest.approx(DPI, abs=0.1)
    with written.data.open() as file:
        assert list(csv.DictReader(file)) == [
            {"name": "a, b", "value": "0.25", "parts": "[]"},
            {"name": "c", "value": "", "parts": "[1, 2]"},
        ]


def test_no_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no rows"):
        write_rows(tmp_path / "x.csv", [])


def test_every_name_has_a_look_of_its_own() -> None:
    looks = line_styles([str(number) for number in range(28)])
    assert len({tuple(sorted(look.items())) for look in looks.values()}) == 28
