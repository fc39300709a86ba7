"""Divergence of batch norm's statistics over the epochs (Fig. 8c, d)."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from training.analysis.batch_norm import LayerDivergence
from training.analysis.figures.epoch_curves import SENSOR
from training.analysis.figures.style import epochs_axis, legend_below, line_styles, panels
from training.analysis.unet_parts import PARTS


def pair_name(row: LayerDivergence) -> str:
    """What the two networks of a row are called together."""
    return f"{row.run} and its own last epoch" if row.run == row.other else f"{row.run} and {row.other}"


def draw_batch_norm(rows: Sequence[LayerDivergence]) -> Figure:
    """A row of panels for each modality, encoder and decoder; a line for each two networks, the mean over layers."""
    modalities = sorted({row.modality for row in rows}, reverse=True)
    looks = line_styles(list(dict.fromkeys(map(pair_name, rows))))
    positive = any(row.kl > 0.0 for row in rows)
    figure, axes = panels(len(modalities), 2, height=1.0 + 2.7 * len(modalities), sharex=True, sharey="row")
    for line, modality in zip(axes, modalities, strict=True):
        for panel, part in zip(line, PARTS, strict=True):
            for pair, look in looks.items():
                means = _means([r for r in rows if (r.modality, r.part, pair_name(r)) == (modality, part, pair)])
                if not rows or not means:
                    continue
                panel.plot(list(means), [kl or float("nan") for kl in means.values()], label=pair, **look)
            panel.set(title=f"{SENSOR[modality]}: {part}", yscale="log" if positive else "linear")
        line[0].set_ylabel("KL divergence, nats\n(mean over layers)")
    for panel in axes[-1]:
        epochs_axis(panel)
    fullest = max(axes.flat, key=lambda panel: len(panel.get_lines()))
    legend_below(figure, fullest)
    return figure


def _means(rows: Sequence[LayerDivergence]) -> dict[int, float]:
    epochs = sorted({row.epoch for row in rows})
    layers = {epoch: [row.kl for row in rows if row.epoch == epoch] for epoch in epochs}
    return {epoch: sum(kls) / len(kls) for epoch, kls in layers.items()}
