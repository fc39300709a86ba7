"""How far fine-tuning moved the weights, group by group (Fig. 12)."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.figure import Figure

from training.analysis.figures.grouped import Value, draw_grouped
from training.analysis.figures.style import legend_below, panels
from training.analysis.unet_parts import PARTS
from training.analysis.weight_change import RunChange

LINEAR_BELOW: Final = 1e-4
"""Divergences up to this are drawn on a linear scale, so that 0 has a place, and larger ones on a logarithmic one."""


def draw_weight_change(rows: Sequence[RunChange]) -> Figure:
    """Encoder and decoder apart, bars by group of layers and run: the mean over seeds, with their range as a line."""
    runs = list(dict.fromkeys(row.run for row in rows))
    parts = [part for part in PARTS if any(row.part == part for row in rows)]
    figure, axes = panels(len(parts), 1, height=0.9 + 2.9 * len(parts))
    for (panel,), part in zip(axes, parts, strict=True):
        groups = list(dict.fromkeys(row.group for row in rows if row.part == part))
        values = {run: _values([row for row in rows if row.run == run and row.part == part]) for run in runs}
        draw_grouped(panel, groups, values)
        panel.set_xticks(np.arange(len(groups)), groups, rotation=30 if len(groups) > 8 else 0)
        panel.set_yscale("symlog", linthresh=LINEAR_BELOW)
        panel.set_ylim(bottom=0)
        panel.set(title=part, ylabel="KL divergence, nats", xlabel="group of layers")
    legend_below(figure, axes[0][0])
    return figure


def _values(rows: Sequence[RunChange]) -> dict[str, Value]:
    """Mean and range over the seeds, by group."""
    seeds: dict[str, list[float]] = {}
    for row in rows:
        seeds.setdefault(row.group, []).append(row.kl)
    return {group: Value(sum(kls) / len(kls), min(kls), max(kls)) for group, kls in seeds.items()}
