"""A location season by season: images, label, truth, and what the smoothing prior makes of the label."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from pipeline.schema.landcover import DW_CLASSES, IGNORE, LandCoverClass
from training.analysis.anatomy import SeasonAnatomy
from training.analysis.figures.images import optical, radar
from training.analysis.figures.map_colours import as_colours, map_legend
from training.analysis.figures.masks import SHADES, show_wrong
from training.analysis.figures.style import close_together, image_axes, panels

INCHES_A_PANEL: Final = 1.6


def draw_anatomy(
    seasons: Sequence[SeasonAnatomy], names: Sequence[str], legend: Sequence[LandCoverClass] = DW_CLASSES
) -> Figure:
    """A row for each season, called by its name, for example its date; columns from the images to the prior.

    `legend`: of the labels, numbered from 0 on.
    """
    known = any(season.truth is not None for season in seasons)
    columns = {
        "s2": "Sentinel-2",
        "s1": "Sentinel-1 VV",
        "label": "noisy label",
        **({"truth": "truth", "wrong": "label wrong\n(black)"} if known else {}),
        "likeliest": "prior:\nlikeliest class",
        "label_prior": "prior:\nof the label",
    }
    width, height = INCHES_A_PANEL * len(columns) + 0.4, INCHES_A_PANEL * len(seasons) + 1.5
    figure, axes = panels(len(seasons), len(columns), width=width, height=height)
    close_together(figure)
    for line, season, name in zip(axes, seasons, names, strict=True):
        for panel, what in zip(line, columns, strict=True):
            image_axes(panel)
            _show(panel, what, season, len(legend))
        line[0].set_ylabel(name, fontsize=9)
    for panel, title in zip(axes[0], columns.values(), strict=True):
        panel.set_title(title, fontsize=9)
    scale = ScalarMappable(Normalize(0.0, 1.0), SHADES)
    figure.colorbar(scale, ax=list(axes[:, -1]), location="right", aspect=40, label="probability of the label's class")
    map_legend(figure, legend)
    return figure


def _show(panel: Any, what: str, season: SeasonAnatomy, classes: int) -> None:
    if what == "s2":
        panel.imshow(optical(season.s2))
    elif what == "s1":
        panel.imshow(radar(season.s1))
    elif what == "label_prior":
        panel.imshow(season.label_prior, cmap=SHADES, vmin=0.0, vmax=1.0, interpolation="nearest")
    elif what != "wrong":
        shown = getattr(season, what)
        blank = np.full_like(season.label, IGNORE)
        panel.imshow(as_colours(blank if shown is None else shown, classes), interpolation="nearest")
    else:
        show_wrong(panel, season.label, season.truth)
        panel.set_xlabel("" if season.wrong is None else f"{season.wrong:.0%} wrong", fontsize=9)
