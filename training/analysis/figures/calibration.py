"""Reliability diagrams: how often a network is right, by how sure it is."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from training.analysis.figures.style import finite, legend_below, line_styles, panels
from training.analysis.findings import RunCalibration


def draw_calibration(found: Sequence[RunCalibration]) -> Figure:
    """A panel for each target (labels, truth): accuracy over confidence; below it, where the pixels are."""
    targets = list(dict.fromkeys(row.against for row in found))
    names = {(row.run, row.modality): f"{row.run}, {row.modality.upper()}" for row in found}
    looks = line_styles(list(names.values()))
    figure, axes = panels(2, len(targets), height=5.9, sharex=True, sharey="row", height_ratios=[3, 1])
    for column, against in enumerate(targets):
        top, bottom = axes[0][column], axes[1][column]
        top.plot([0, 100], [0, 100], color="#888888", linewidth=0.8, linestyle="--")
        for row in (row for row in found if row.against == against):
            look = looks[names[row.run, row.modality]]
            filled = [b for b in row.bins if b.pixels]
            x = 100 * finite([b.confidence for b in filled])
            label = f"{names[row.run, row.modality]}"
            top.plot(x, 100 * finite([b.accuracy for b in filled]), label=label, **look)
            bottom.plot(x, [100 * b.pixels / row.pixels for b in filled], **look)
        top.set(title=f"against the {against}", xlim=(0, 100), ylim=(0, 100))
        bottom.set_xlabel("confidence: probability of the predicted class, %")
        scores = [f"{names[r.run, r.modality]}: {100 * r.ece:.1f} %" for r in found if r.against == against]
        if len(scores) <= 6:
            text = "calibration error (ECE)\n" + "\n".join(scores)
            top.text(0.03, 0.97, text, transform=top.transAxes, va="top", fontsize=8.5)
    axes[0][0].set_ylabel("accuracy, %")
    axes[1][0].set_ylabel("pixels, %")
    legend_below(figure, axes[0][0])
    return figure
