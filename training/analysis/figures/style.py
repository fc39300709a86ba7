"""What all figures have in common: colours that colour-blind people can tell apart, sizes, and fonts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from typing import Any, Final, cast

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette (jfly.uni-koeln.de/color), without its yellow, which is too pale for lines on white."""

MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")

DASHES: Final = ("-", "--", ":", "-.")

DPI: Final = 150

INCHES: Final = 9.6
"""Width of a figure; at DPI as many pixels as a page shows without shrinking its text below 9 px."""

_RC: Final[dict[str, Any]] = {
    "font.size": 10.0,
    "axes.titlesize": 10.5,
    "axes.labelsize": 10.0,
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
    "legend.fontsize": 9.0,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "svg.hashsalt": "noldo",
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "savefig.facecolor": "white",
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw and save figures within this, in one style whatever the user's own settings of matplotlib are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(cast(Any, _RC))
        yield


def panels(rows: int, columns: int, *, height: float, width: float = INCHES, **options: Any) -> tuple[Figure, Any]:
    """A figure with its axes (rows, columns); sizes in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, axes


def line_styles(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """A look for each name, told by colour and marker and, beyond seven, by dashes and hollow markers."""
    looks = [
        {"color": colour, "marker": marker, "linestyle": dashes, "markerfacecolor": "white" if hollow else colour}
        for hollow, dashes in enumerate(DASHES)
        for colour, marker in zip(COLOURS, MARKERS, strict=True)
    ]
    return dict(zip(names, islice(cycle(looks), len(names)), strict=True))


def legend_below(figure: Figure, axes: Axes, *, columns: int | None = None) -> None:
    """One legend for all panels, below them, by what the given axes hold."""
    handles, labels = axes.get_legend_handles_labels()
    longest = max((len(label) for label in labels), default=1)
    fitting = max(1, int(INCHES * 13 / (longest + 8)))
    figure.legend(handles, labels, loc="outside lower center", ncols=min(columns or fitting, fitting, len(labels) or 1))


def epochs_axis(axes: Axes) -> None:
    """Label the axis of epochs, with whole numbers."""
    axes.set_xlabel("epochs trained")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def image_axes(axes: Axes) -> None:
    """Leave axes to an image alone."""
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set(visible=True, color="#888888", linewidth=0.5)


def close_together(figure: Figure) -> None:
    """Leave little room between panels, for images."""
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(w_pad=0.03, h_pad=0.05, wspace=0.0, hspace=0.0)


def finite(values: Sequence[float | None]) -> Any:
    """Numbers to plot, a gap where there is none."""
    return np.array([np.nan if value is None else value for value in values], float)
