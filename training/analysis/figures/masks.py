"""Confidence and selection masks as images beside image, label and truth (Fig. 11)."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.schema.landcover import DW_CLASSES, IGNORE
from training.analysis.figures.images import optical, radar
from training.analysis.figures.map_colours import as_colours, map_legend
from training.analysis.figures.style import close_together, image_axes, panels
from training.analysis.masks import MaskedPatch
from training.modality import Modality

SHADES: Final = "cividis"
"""Even in lightness, and alike to colour-blind people."""

INCHES_A_PANEL: Final = 1.5


def draw_masks(patches: Sequence[MaskedPatch]) -> Figure:
    """A row for each patch and modality; columns from the image over the masks to the label and the truth."""
    lines = [(patch, modality) for patch in patches for modality in patch.masks]
    both = any(len(patch.masks) > 1 for patch in patches)
    columns = _columns(with_support=both, with_truth=any(patch.truth is not None for patch in patches))
    figure, axes = panels(
        len(lines), len(columns), width=INCHES_A_PANEL * len(columns) + 0.4, height=INCHES_A_PANEL * len(lines) + 1.5
    )
    close_together(figure)
    for line, (patch, modality) in zip(axes, lines, strict=True):
        for panel, name in zip(line, columns, strict=True):
            _show(panel, name, patch, modality)
        line[0].set_ylabel(f"{modality.upper()}, row {patch.row}\nseason {patch.season + 1}", fontsize=9)
    for panel, title in zip(axes[0], columns.values(), strict=True):
        panel.set_title(title, fontsize=9)
    scale = ScalarMappable(Normalize(0.0, 1.0), SHADES)
    at = list(columns).index("confidence"), list(columns).index("certainty")
    below = list(axes[-1][at[0] : at[1] + 1])
    figure.colorbar(scale, ax=below, location="bottom", aspect=40, pad=0.04, label="confidence or weight")
    map_legend(figure, DW_CLASSES)
    return figure


def _columns(*, with_support: bool, with_truth: bool) -> dict[str, str]:
    """What is shown, and its title."""
    return {
        "image": "image",
        "prediction": "prediction",
        "confidence": "label\nconfidence f",
        **({"support": "with the other\nmodality, f^"} if with_support else {}),
        "weight": "selection\nweight w",
        "certainty": "consistency\nweight v",
        "label": "noisy label",
        **({"truth": "truth", "wrong": "label wrong\n(black)"} if with_truth else {}),
    }


def _show(panel: Any, name: str, patch: MaskedPatch, modality: Modality) -> None:
    image_axes(panel)
    masks = patch.masks[modality]
    if name == "image":
        panel.imshow(optical(patch.s2) if modality == "s2" else radar(patch.s1))
    elif name in ("confidence", "support", "weight", "certainty"):
        shown = np.ma.masked_where(patch.label == IGNORE, getattr(masks, name))
        panel.imshow(shown, cmap=SHADES, vmin=0.0, vmax=1.0, interpolation="nearest")
    elif name == "wrong":
        show_wrong(panel, patch.label, patch.truth)
    else:
        drawn = masks.prediction if name == "prediction" else getattr(patch, name)
        panel.imshow(as_colours(drawn, len(DW_CLASSES)), interpolation="nearest")


def show_wrong(panel: Any, label_HW: NDArray[np.uint8], truth_HW: NDArray[np.uint8] | None) -> None:
    """Show in black where a label is wrong, in white where it is right, and in grey where one of both is not known."""
    known = np.zeros(label_HW.shape, bool) if truth_HW is None else (label_HW != IGNORE) & (truth_HW != IGNORE)
    shades = np.where(known, np.where(label_HW == truth_HW, 255, 0), 200)
    panel.imshow(shades, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
