"""Maps of several networks side by side, beside image and label."""

import textwrap
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure

from training.analysis.figures.images import optical, radar
from training.analysis.figures.map_colours import as_colours, map_legend
from training.analysis.figures.style import close_together, image_axes, panels
from training.analysis.prediction_maps import MapSet, MapTile
from training.modality import MODALITIES, Modality

INCHES_A_PANEL: Final = 1.9

MOST_COLUMNS: Final = 7
"""Panels side by side; a tile with more goes on in the next line."""

TITLES: Final[dict[Modality, str]] = {"s1": "Sentinel-1 VV", "s2": "Sentinel-2"}


def draw_prediction_maps(maps: MapSet) -> Figure:
    """For each tile: its images, its label, and what each network makes of it, with its share of right pixels."""
    images = [m for m in reversed(MODALITIES) if any(m in tile.images for tile in maps.tiles)]
    networks = list(dict.fromkeys(name for tile in maps.tiles for name in tile.predictions))
    shown = len(images) + 1 + len(networks)
    lines = -(-shown // MOST_COLUMNS)
    columns = -(-shown // lines)
    width = max(INCHES_A_PANEL * columns + 0.5, 6.4)
    height = (INCHES_A_PANEL + 0.2) * len(maps.tiles) * lines + 1.2
    figure, axes = panels(len(maps.tiles) * lines, columns, width=width, height=height)
    close_together(figure)
    for tile, own in zip(maps.tiles, np.array_split(axes, len(maps.tiles)), strict=True):
        own[0, 0].set_ylabel(f"tile {tile.row}", fontsize=9)
        titled = lines > 1 or tile is maps.tiles[0]
        _draw_tile(list(own.flat), tile, images, networks, classes=len(maps.legend), titled=titled)
    map_legend(figure, maps.legend, columns=3 if len(maps.legend) > 9 else 5)
    return figure


def _draw_tile(
    places: list[Any], tile: MapTile, images: list[Modality], networks: list[str], *, classes: int, titled: bool
) -> None:
    for panel in places:
        image_axes(panel)
    for panel in places[len(images) + 1 + len(networks) :]:
        panel.set_visible(False)
    for panel, modality in zip(places, images, strict=False):
        if modality in tile.images:
            panel.imshow(optical(tile.images[modality]) if modality == "s2" else radar(tile.images[modality]))
    places[len(images)].imshow(as_colours(tile.label, classes), interpolation="nearest")
    for panel, name in zip(places[len(images) + 1 :], networks, strict=False):
        if name in tile.predictions:
            panel.imshow(as_colours(tile.predictions[name], classes), interpolation="nearest")
            right = tile.accuracy(name)
            panel.set_xlabel("no label" if right is None else f"{right:.0%} right", fontsize=9)
    if titled:
        for panel, title in zip(places, [*(TITLES[m] for m in images), "label", *networks], strict=False):
            panel.set_title(textwrap.fill(title, 22), fontsize=9)
