"""Precision and recall of the sample selection, over the selection ratio and over the epochs."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from training.analysis.figures.epoch_curves import SENSOR
from training.analysis.figures.style import epochs_axis, finite, legend_below, line_styles, panels
from training.analysis.findings import RunSelection
from training.analysis.selection_quality import ALL

SHOWN = (
    ("precision", "precision", "selected labels that are right, %"),
    ("recall", "recall", "right labels that are selected, %"),
    ("wrong_kept", "wrong labels kept", "wrong labels that are selected, %"),
)


def draw_selection_over_ratio(rows: Sequence[RunSelection]) -> Figure:
    """A row of panels for each modality; a line for each run, from everything selected (left) to little."""
    return _draw(rows, over_epochs=False)


def draw_selection_over_epochs(rows: Sequence[RunSelection]) -> Figure:
    """A row of panels for each modality; a line for each run, at the ratio that its ramp had reached by each epoch."""
    return _draw(rows, over_epochs=True)


def _draw(rows: Sequence[RunSelection], *, over_epochs: bool) -> Figure:
    pooled = [row for row in rows if row.label == ALL]
    modalities = sorted({row.modality for row in pooled}, reverse=True)
    looks = line_styles(list(dict.fromkeys(row.run for row in pooled)))
    figure, axes = panels(len(modalities), 3, height=1.0 + 2.9 * len(modalities), sharex=True)
    for line, modality in zip(axes, modalities, strict=True):
        for panel, (measure, name, share) in zip(line, SHOWN, strict=True):
            for run, look in looks.items():
                own = [row for row in pooled if (row.run, row.modality) == (run, modality)]
                x = [row.epoch if over_epochs else 100 * row.ratio for row in own]
                panel.plot(x, 100 * finite([getattr(row, measure) for row in own]), label=run, **look)
                if measure == "precision" and own:
                    base = 100 * own[0].right
                    panel.axhline(base, color=look["color"], linewidth=0.8, linestyle=(0, (1, 2)))
            panel.set(title=f"{SENSOR[modality]}: {name}", ylabel=share)
            panel.margins(y=0.12)
    for panel in axes[-1]:
        if over_epochs:
            epochs_axis(panel)
        else:
            panel.set_xlabel("selection ratio a, % of each class")
            panel.set_xlim(102, 5)
    legend_below(figure, axes[0][0])
    return figure
