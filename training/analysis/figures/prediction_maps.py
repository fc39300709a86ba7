"""Maps of several networks side by side, beside image and label."""

from typing import Final

from matplotlib.figure import Figure

from training.analysis.figures.images import optical, radar
from training.analysis.figures.map_colours import as_colours, map_legend
from training.analysis.figures.style import close_together, image_axes, panels
from training.analysis.prediction_maps import MapSet
from training.modality import MODALITIES

INCHES_A_PANEL: Final = 1.9


def draw_prediction_maps(maps: MapSet) -> Figure:
    """A row for each tile: its images, its label, and what each network makes of it, with its share of right pixels."""
    images = [m for m in reversed(MODALITIES) if any(m in tile.images for tile in maps.tiles)]
    networks = list(dict.fromkeys(name for tile in maps.tiles for name in tile.predictions))
    columns = len(images) + 1 + len(networks)
    width = max(INCHES_A_PANEL * columns + 0.5, 6.4)
    figure, axes = panels(len(maps.tiles), columns, width=width, height=INCHES_A_PANEL * len(maps.tiles) + 1.5)
    close_together(figure)
    classes = len(maps.legend)
    for line, tile in zip(axes, maps.tiles, strict=True):
        for panel in line:
            image_axes(panel)
        for panel, modality in zip(line, images, strict=False):
            if modality in tile.images:
                panel.imshow(optical(tile.images[modality]) if modality == "s2" else radar(tile.images[modality]))
        line[len(images)].imshow(as_colours(tile.label, classes), interpolation="nearest")
        for panel, name in zip(line[len(images) + 1 :], networks, strict=True):
            if name in tile.predictions:
                panel.imshow(as_colours(tile.predictions[name], classes), interpolation="nearest")
                right = tile.accuracy(name)
                panel.set_xlabel("no label" if right is None else f"{right:.0%} right", fontsize=9)
        line[0].set_ylabel(f"tile {tile.row}", fontsize=9)
    titles = [{"s1": "Sentinel-1 VV", "s2": "Sentinel-2"}[modality] for modality in images] + ["label", *networks]
    for panel, title in zip(axes[0], titles, strict=True):
        panel.set_title(_wrapped(title), fontsize=9)
    map_legend(figure, maps.legend, columns=3 if classes > 9 else 5)
    return figure


def _wrapped(name: str, width: int = 18) -> str:
    """A long name on several lines, cut at its own signs where there are some."""
    lines = [""]
    for piece in name.replace("/", "/ ").replace(",", ", ").replace("-", "- ").split(" "):
        glue = "" if not lines[-1] or lines[-1].endswith(("-", "/")) else " "
        if lines[-1] and len(lines[-1] + glue + piece) > width:
            lines.append(piece)
        else:
            lines[-1] += glue + piece
    return "\n".join(lines)
