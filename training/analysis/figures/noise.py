"""How often labels and networks are wrong, by class and by distance to a boundary."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from pipeline.schema.landcover import DW_CLASSES
from training.analysis.figures.grouped import Value, draw_grouped
from training.analysis.figures.style import legend_below, line_styles, panels
from training.analysis.findings import MapErrors


def draw_noise_by_class(found: Sequence[MapErrors]) -> Figure:
    """Two panels: among the pixels that truly are of a class, and among those that are marked as it."""
    figure, axes = panels(2, 1, height=7.2, sharex=True)
    present = [c.name for c in DW_CLASSES if any(r.group == c.name for errors in found for r in errors.rates)]
    for (panel,), (by, title) in zip(axes, _CLASS_PANELS, strict=True):
        rates = {errors.name: [rate for rate in errors.rates if rate.by == by] for errors in found}
        shares = {name: {r.group: 100 * r.rate for r in own} for name, own in rates.items()}
        values = {name: {g: Value(x, x, x) for g, x in own.items()} for name, own in shares.items()}
        draw_grouped(panel, present, values)
        panel.set(title=title, ylabel="wrong, %", ylim=(-3, 103))
        panel.set_xticks(np.arange(len(present)), [name.replace(" ", "\n", 1) for name in present])
    legend_below(figure, axes[0][0])
    return figure


def draw_noise_by_distance(found: Sequence[MapErrors]) -> Figure:
    """A line for each map over the distance to the nearest true boundary, metres; below, how many pixels lie there."""
    looks = line_styles([errors.name for errors in found])
    figure, axes = panels(2, 1, height=5.6, sharex=True, height_ratios=[3, 1])
    (top,), (bottom,) = axes
    for at, errors in enumerate(found):
        rates = [rate for rate in errors.rates if rate.by == "distance"]
        low = np.array([rate.low_m for rate in rates], float)
        top.plot(low, [100 * rate.rate for rate in rates], label=errors.name, **looks[errors.name])
        total = sum(rate.pixels for rate in rates)
        if at == 0:
            ends = [rate.high_m or 2 * (rate.low_m or 0.0) for rate in rates]
            shares = [100 * rate.pixels / total for rate in rates]
            bottom.bar(low, shares, np.array(ends) - low, align="edge", color="#bbbbbb", edgecolor="#666666")
    top.set(ylabel="wrong, %", xscale="log")
    top.set_ylim(bottom=0)
    bottom.set(
        ylabel="pixels, %", xlabel="distance to the nearest pixel of another true class, m (lower end of each bin)"
    )
    ticks = sorted({rate.low_m for errors in found for rate in errors.rates if rate.low_m is not None})
    bottom.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    bottom.minorticks_off()
    legend_below(figure, top)
    return figure


_CLASS_PANELS = (
    ("true class", "Of the pixels that truly are ..., marked as something else"),
    ("marked class", "Of the pixels that are marked as ..., truly something else"),
)
