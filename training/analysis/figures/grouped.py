"""Values by group, several names side by side: bars where these are few, points where they are many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes

from training.analysis.figures.style import COLOURS, line_styles

_WIDTH: Final = 0.8
"""Of a group, where groups are 1 apart."""


@dataclass(frozen=True)
class Value:
    """What stands in one place."""

    mean: float
    low: float
    high: float


def draw_grouped(panel: Axes, groups: Sequence[str], values: Mapping[str, Mapping[str, Value]]) -> None:
    """Draw each name's value of each group where it has one, with a line from low to high where these differ.

    `values`: by name, then by group. Up to as many names as there are colours are bars; more are points.
    """
    looks = line_styles(list(values))
    width = _WIDTH / len(values)
    as_bars = len(values) <= len(COLOURS)
    for at, (name, own) in enumerate(values.items()):
        shown = [place for place, group in enumerate(groups) if group in own]
        x = np.array(shown, float) - _WIDTH / 2 + width * (at + 0.5)
        found = [own[groups[place]] for place in shown]
        mean = np.array([value.mean for value in found])
        spread = np.array([[value.mean - value.low for value in found], [value.high - value.mean for value in found]])
        if as_bars:
            panel.bar(x, mean, width * 0.92, label=name, color=looks[name]["color"])
        else:
            panel.plot(x, mean, label=name, **{**looks[name], "linestyle": "none"})
        if spread.any():
            panel.errorbar(x, mean, spread, fmt="none", ecolor="#333333", elinewidth=1.0)
    for between in range(1, len(groups)):
        panel.axvline(between - 0.5, color="#cccccc", linewidth=0.6)
    panel.grid(visible=False, axis="x")
    panel.set_xlim(-0.5, len(groups) - 0.5)
