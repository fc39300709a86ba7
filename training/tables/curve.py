"""The label-efficiency curves of one set as a figure."""

from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from typing import Final

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from training.tables.efficiency_table import METRIC, EfficiencyLine
from training.tables.names import dataset_title
from training.tables.table import score_cell

INK: Final = "#123456"
SOFT: Final = "#123457"
"""Colours that stand for the page's own, which has one of them by day and another by night."""

COLOURS: Final = ("#0f7f8c", "#d55e00", "#7a5bd0", "#cc79a7", "#3d8b40", "#b8860b", "#4d8fd6", "#8a8f94")
"""Apart from one another and from both a white and a black page."""
MARKERS: Final = "osD^vPX*"

PANEL_IN: Final = (4.2, 3.1)
"""Width and height of a panel, inches."""


def efficiency_figure(dataset: str, lines: Sequence[EfficiencyLine]) -> Figure:
    """mIoU by share of the training tiles on a logarithmic axis, a panel for each input and treatment of the encoder.

    Whiskers are the sample standard deviation over the seeds. At least one line.
    """
    panels = list(dict.fromkeys((line.input, line.encoder) for line in lines))
    lines = _short(lines)
    names = list(dict.fromkeys(line.name for line in lines))
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    legend_rows = -(-len(names) // columns)
    size = (PANEL_IN[0] * columns, PANEL_IN[1] * rows + 0.24 * legend_rows + 0.2)
    with rc_context({"text.color": INK, "axes.labelcolor": INK, "xtick.color": SOFT, "ytick.color": SOFT}):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
        for panel, axis in zip(panels, axes, strict=False):
            own = [line for line in lines if (line.input, line.encoder) == panel]
            _panel(axis, own, names, title=f"{dataset_title(dataset)}, {panel[0]}, {panel[1]}")
        for axis in axes[len(panels) :]:
            axis.set_visible(False)
        for index, axis in enumerate(axes[: len(panels)]):
            if index % columns == 0:
                axis.set_ylabel(f"{METRIC}, %")
            if index + columns >= len(panels):
                axis.set_xlabel("share of the training tiles, %")
                axis.tick_params(labelbottom=True)
        entries = {
            label: handle for axis in axes for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
        }
        shown = [name for name in names if name in entries]
        figure.legend([entries[n] for n in shown], shown, loc="outside lower center", ncols=columns, frameon=False)
    return figure


def themed_svg(figure: Figure) -> str:
    """The figure as an <svg> for a page: its words stay words, and its ink is the page's."""
    text = StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "noldo", "font.family": "sans-serif"}):
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    drawing = text.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    return drawing.replace(INK, "currentColor").replace(SOFT, "currentColor")


def _short(lines: Sequence[EfficiencyLine]) -> list[EfficiencyLine]:
    """The lines without their bands in their names, so that S1 and S2 share them; as they are where that is unclear."""
    short = {(line.input, line.encoder, line.plain_name) for line in lines}
    return [replace(line, name=line.plain_name) for line in lines] if len(short) == len(lines) else list(lines)


def _panel(axis: Axes, lines: Sequence[EfficiencyLine], names: Sequence[str], *, title: str) -> None:
    shares = sorted({100 * run.train_share for line in lines for run in line.runs})
    for line in lines:
        cells = [score_cell(run.scores[METRIC]) for run in line.runs]
        index = names.index(line.name)
        axis.errorbar(
            [100 * run.train_share for run in line.runs],
            [cell.value if cell else float("nan") for cell in cells],
            yerr=[cell.spread or 0.0 if cell else 0.0 for cell in cells],
            label=line.name,
            color=COLOURS[index % len(COLOURS)],
            marker=MARKERS[index % len(MARKERS)],
            markersize=5,
            linewidth=1.8,
            elinewidth=1.0,
            capsize=2.5,
        )
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(FixedLocator(shares))
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:.3g}")
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_title(title, fontsize=10)
    axis.grid(color=SOFT, alpha=0.15)
    axis.patch.set_alpha(0.0)
    for side, spine in axis.spines.items():
        spine.set_color(SOFT)
        spine.set_visible(side in ("left", "bottom"))
