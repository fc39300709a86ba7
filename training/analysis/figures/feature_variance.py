"""Accumulated PCA variance of each encoder stage, per image and per pixel (Fig. 13)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.analysis.feature_images import EncoderVariance
from training.analysis.feature_variance import LEVELS
from training.analysis.figures.style import legend_below, line_styles, panels

MOST_COLUMNS = 4


def draw_feature_variance(found: Sequence[EncoderVariance]) -> Figure:
    """A column for each encoder (in rows of MOST_COLUMNS), per image above per pixel; a curve for each stage."""
    blocks = [found[at : at + MOST_COLUMNS] for at in range(0, len(found), MOST_COLUMNS)]
    columns = max(2, *map(len, blocks))
    figure, axes = panels(2 * len(blocks), columns, height=0.9 + 4.8 * len(blocks), sharex=True, sharey=True)
    stages = sorted({stage.stage for encoder in found for stage in encoder.stages})
    looks = line_styles([f"stage {stage}" for stage in stages])
    for at, block in enumerate(blocks):
        for column in range(columns):
            pair = axes[2 * at : 2 * at + 2, column]
            if column < len(block):
                _draw(pair, block[column], looks)
            else:
                for panel in pair:
                    panel.set_visible(False)
        for panel in axes[2 * at + 1]:
            panel.set_xlabel("share of components")
            panel.tick_params(labelbottom=True)
    widest = max(stage.channels for encoder in found for stage in encoder.stages)
    axes[0][0].set(xscale="log", xlim=(0.7 / widest, 1), ylim=(0, 1.02))
    for line in axes:
        line[0].set_ylabel("accumulated variance")
    legend_below(figure, axes[0][0])
    return figure


def _draw(pair: Sequence[Axes], encoder: EncoderVariance, looks: dict[str, dict[str, Any]]) -> None:
    for panel, level in zip(pair, LEVELS, strict=True):
        even = np.geomspace(1e-4, 1.0, 100)
        panel.plot(even, even, color="#888888", linewidth=1.0, linestyle="--", label="all features alike")
        for stage in (found for found in encoder.stages if found.level == level):
            share = np.arange(1, len(stage.accumulated) + 1) / stage.channels
            name = f"stage {stage.stage}"
            panel.plot(share, stage.accumulated, label=name, markevery=0.15, **looks[name])
        panel.set_title(f"{encoder.name}, {encoder.modality.upper()}\nper {level}", fontsize=9.5)
