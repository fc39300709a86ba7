"""Colours of land-cover maps that colour-blind people can tell apart.

The published palettes of the legends cannot be told apart by everyone (Dynamic World's water and flooded vegetation are
one colour to a protanope). These keep a class's hue where they can, and lie far apart in CIELAB to normal sight and to
simulated protanopia, deuteranopia and tritanopia (Machado, Oliveira and Fernandes 2009, doi 10.1109/TVCG.2009.113).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from pipeline.schema.landcover import IGNORE, LandCoverClass

COVER: Final = ("#0a78f7", "#10271a", "#c0f7ae", "#6a4b7d", "#f7f704", "#cdb743", "#aa2401", "#a26e64", "#a2b3cc")
"""Of Dynamic World's nine classes by number, and of DFC2020's, which are numbered alike."""

USE: Final = (
    "#b54755", "#8100f3", "#e9d699", "#a6629d", "#0c2106", "#430d40", "#023192",
    "#eca9b9", "#a1ae18", "#daf721", "#8d5000", "#8a69f0", "#86b8f7",
)  # fmt: skip
"""Of OSM's thirteen land-use classes by their place in the legend."""

UNKNOWN: Final = "#ffffff"
"""Where there is no label."""


def palette(classes: int) -> tuple[str, ...]:
    """Return #rrggbb for each place of a legend of so many classes; ValueError for more than there are colours."""
    if classes > len(USE):
        raise ValueError(f"a map of {classes} classes has no colours; there are {len(USE)}")
    return COVER[:classes] if classes <= len(COVER) else USE[:classes]


def as_colours(map_HW: NDArray[np.uint8], classes: int) -> NDArray[np.uint8]:
    """Return (H, W, 3) uint8 for a map of places in a legend, or 255 where nothing is known."""
    table = np.full((IGNORE + 1, 3), _rgb(UNKNOWN), np.uint8)
    for place, colour in enumerate(palette(classes)):
        table[place] = _rgb(colour)
    coloured: NDArray[np.uint8] = table[map_HW]
    return coloured


def map_legend(figure: Figure, legend: Sequence[LandCoverClass], *, columns: int = 5) -> None:
    """Put the legend's names and colours below the panels."""
    colours = palette(len(legend))
    keys = [Patch(facecolor=colour, edgecolor="#555555", linewidth=0.5) for colour in (*colours, UNKNOWN)]
    names = [*(land_cover.name for land_cover in legend), "no label"]
    figure.legend(keys, names, loc="outside lower center", ncols=columns)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
