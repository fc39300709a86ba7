"""Scores of each checkpoint over the epochs (Fig. 8a, b)."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from training.analysis.checkpoint_scores import CheckpointScore
from training.analysis.figures.style import COLOURS, epochs_axis, legend_below, line_styles, panels

SHOWN = (("oa", "overall accuracy"), ("miou", "mean IoU"))

SENSOR = {"s1": "Sentinel-1", "s2": "Sentinel-2"}


def draw_checkpoint_scores(rows: Sequence[CheckpointScore]) -> Figure:
    """A row of panels for each modality: overall accuracy and mean IoU, in percent; a line for each run."""
    if len({(row.run, row.epoch) for row in rows}) == len({row.run for row in rows}):
        return _draw_single(rows)
    modalities = sorted({row.modality for row in rows}, reverse=True)
    looks = line_styles(list(dict.fromkeys(row.run for row in rows)))
    figure, axes = panels(len(modalities), 2, height=0.8 + 2.7 * len(modalities), sharex=True)
    for line, modality in zip(axes, modalities, strict=True):
        for panel, (metric, name) in zip(line, SHOWN, strict=True):
            for run, look in looks.items():
                own = [row for row in rows if row.run == run and row.modality == modality]
                panel.plot([r.epoch for r in own], [100 * getattr(r, metric) for r in own], label=run, **look)
            panel.set(title=f"{SENSOR[modality]}: {name}", ylabel=f"{name}, %")
            panel.margins(y=0.12)
    for panel in axes[-1]:
        epochs_axis(panel)
    legend_below(figure, max(axes[:, 0], key=lambda panel: sum(len(line.get_xydata()) > 0 for line in panel.lines)))
    return figure


def _draw_single(rows: Sequence[CheckpointScore]) -> Figure:
    """Of runs with one network each, that one's scores as bars, with their values."""
    names = [f"{row.run}, {row.modality.upper()}, epoch {row.epoch}" for row in rows]
    figure, axes = panels(1, len(SHOWN), height=1.0 + 0.34 * len(rows), sharey=True)
    for panel, (metric, name) in zip(axes[0], SHOWN, strict=True):
        values = [100 * getattr(row, metric) for row in rows]
        bars = panel.barh(names, values, 0.7, color=COLOURS[0])
        panel.bar_label(bars, fmt="%.1f", padding=3)
        panel.set(xlabel=f"{name}, %", xlim=(0, 100))
        panel.grid(visible=False, axis="y")
    axes[0][0].invert_yaxis()
    return figure
