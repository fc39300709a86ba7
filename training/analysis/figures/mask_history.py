"""Selection masks over the epochs, beside the image, the label and its true errors."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from pipeline.schema.landcover import DW_CLASSES, IGNORE
from training.analysis.figures.images import optical, radar
from training.analysis.figures.map_colours import as_colours, map_legend
from training.analysis.figures.masks import SHADES, show_wrong
from training.analysis.figures.style import close_together, image_axes, panels
from training.analysis.mask_history import EpochMasks
from training.analysis.masks import MaskedPatch
from training.modality import Modality

INCHES_A_PANEL: Final = 1.5


def draw_mask_history(history: Sequence[EpochMasks]) -> Figure:
    """A row for each patch and modality; columns image, label, its errors where they are known, and w at each epoch."""
    lines = [(at, modality) for at, patch in enumerate(history[0].patches) for modality in patch.masks]
    known = any(patch.truth is not None for patch in history[0].patches)
    heads = ["image", "noisy label", *(["label wrong\n(black)"] if known else [])]
    columns = len(heads) + len(history)
    width, height = INCHES_A_PANEL * columns + 0.4, INCHES_A_PANEL * len(lines) + 1.5
    figure, axes = panels(len(lines), columns, width=width, height=height)
    close_together(figure)
    for line, (at, modality) in zip(axes, lines, strict=True):
        for panel in line:
            image_axes(panel)
        patch = history[0].patches[at]
        _show_patch(line, patch, modality, known=known)
        for panel, epoch in zip(line[len(heads) :], history, strict=True):
            weight = np.ma.masked_where(patch.label == IGNORE, epoch.patches[at].masks[modality].weight)
            panel.imshow(weight, cmap=SHADES, vmin=0.0, vmax=1.0, interpolation="nearest")
    for panel, title in zip(axes[0], [*heads, *map(_title, history)], strict=True):
        panel.set_title(title, fontsize=9)
    scale = ScalarMappable(Normalize(0.0, 1.0), SHADES)
    figure.colorbar(scale, ax=list(axes[:, -1]), location="right", aspect=30, label="selection weight w")
    map_legend(figure, DW_CLASSES)
    return figure


def _title(epoch: EpochMasks) -> str:
    return f"w, epoch {epoch.epoch}\na = {epoch.ratio:.0%}"


def _show_patch(line: Sequence[Any], patch: MaskedPatch, modality: Modality, *, known: bool) -> None:
    line[0].imshow(optical(patch.s2) if modality == "s2" else radar(patch.s1))
    line[0].set_ylabel(f"{modality.upper()}, row {patch.row}\nseason {patch.season + 1}", fontsize=9)
    line[1].imshow(as_colours(patch.label, len(DW_CLASSES)), interpolation="nearest")
    if known:
        show_wrong(line[2], patch.label, patch.truth)
