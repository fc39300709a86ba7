"""Similarity and divergence layer by layer, a line for each noise rate."""

from collections.abc import Sequence
from itertools import pairwise

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.analysis.figures.style import finite, legend_below, panels
from training.robustness.findings import Findings, LayerRow, heading

MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def draw(findings: Findings, *, title: str) -> Figure:
    """CKA above, divergence below, layers from the image to the prediction; a shade darker with every rate.

    The shades are those of cividis, which colour-blind people see alike (Nunez et al. 2018, doi
    10.1371/journal.pone.0199239); markers tell them apart too.
    """
    figure, axes = panels(2, 1, height=6.8, sharex=True)
    (top,), (bottom,) = axes
    noisy = [rows for rows in findings.by_network if rows[0].rate is not None]
    for number, rows in enumerate(noisy):
        shade = mpl.colormaps["cividis"](0.85 * (1.0 - number / max(1, len(noisy) - 1)))
        look = {"color": shade, "marker": MARKERS[number % len(MARKERS)], "label": f"{heading(rows[0].rate)} wrong"}
        top.plot(range(len(rows)), finite([row.cka for row in rows]), **look)
        bottom.plot(range(len(rows)), finite([row.bn_kl for row in rows]), **look)
    for rows in (rows for rows in findings.by_network if rows[0].rate is None):
        look = {"color": "#D55E00", "linestyle": ":", "marker": "x", "label": heading(None)}
        top.plot(range(len(rows)), finite([row.cka for row in rows]), **look)
    rows = noisy[0]
    top.set(ylabel="linear CKA with the clean network\n(unbiased)", title=title)
    top.set_ylim(top=1.02)
    positive = any(row.bn_kl for row in findings.layers)
    bottom.set(ylabel="KL divergence of batch norm's\nstatistics, nats", yscale="log" if positive else "linear")
    bottom.set_xticks(range(len(rows)), [row.layer.replace(" ", "\n") for row in rows])
    for panel in (top, bottom):
        _divide(panel, rows)
    legend_below(figure, top)
    return figure


def _divide(panel: Axes, rows: Sequence[LayerRow]) -> None:
    """A line between encoder, decoder and head."""
    for place, (before, after) in enumerate(pairwise(rows)):
        if before.part != after.part:
            panel.axvline(place + 0.5, color="#888888", linewidth=0.8, linestyle="--")
