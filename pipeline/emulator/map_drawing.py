"""The map service's pictures: land use in the legend's colours, with soft edges, and the legend itself."""

import io
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipeline.emulator.land_use import land_use
from pipeline.emulator.lattice import crs_transformer
from pipeline.schema.grid import PIXEL_M, PixelGrid, utm_epsg
from pipeline.schema.landcover import IGNORE, OSM_CLASSES

NODE_PX: Final = 32
"""Pixels between two places whose position is computed; between them it is joined bilinearly."""

SWATCH_PX: Final = 20
"""Side of a legend's swatch, pixels, as GeoServer draws it."""

SUBPIXELS: Final = (0.25, 0.75)
"""Where within a pixel, along each axis, the land use is looked up: four places, whose colours are blended."""

_PALETTE: Final = np.zeros((IGNORE + 1, 4), dtype=np.uint8)
for _entry in OSM_CLASSES:
    _PALETTE[_entry.code] = [int(_entry.colour[at : at + 2], 16) for at in (1, 3, 5)] + [255]
_PALETTE.setflags(write=False)


@dataclass(frozen=True)
class MapView:
    """What a map shows."""

    crs: str
    """EPSG:3857 or EPSG:4326."""
    left: float
    bottom: float
    right: float
    top: float
    width_px: int
    height_px: int

    @property
    def pixel_m(self) -> float:
        """About how large a pixel is on the ground at the map's middle, metres, along its longer side."""
        x, y = (self.left + self.right) / 2, (self.bottom + self.top) / 2
        lat = crs_transformer(self.crs, "EPSG:4326").transform(x, y)[1]
        metres = 111_320.0 if self.crs == "EPSG:4326" else 1.0
        across = (self.right - self.left) / self.width_px * metres * np.cos(np.radians(lat))
        down = (self.top - self.bottom) / self.height_px * metres
        return float(max(across, down if self.crs == "EPSG:4326" else down * np.cos(np.radians(lat))))


def draw_map(seed: int, view: MapView, transparent: bool) -> NDArray[np.uint8]:
    """A map as (height, width, 4) red, green, blue and opacity; on white paper where it is not transparent.

    The land use is that of land_use() on the 10 m grid of the UTM zone in which the map's middle lies.
    """
    east, north, zone = _positions(view)
    left, top = math.floor(east.min() / PIXEL_M) * PIXEL_M, math.ceil(north.max() / PIXEL_M) * PIXEL_M
    width, height = int((east.max() - left) / PIXEL_M) + 1, int((top - north.min()) / PIXEL_M) + 1
    grid = PixelGrid(zone, left, top, width, height)
    codes = land_use(seed, grid)
    samples = [
        codes[_index(view, north, grid.top_m, -1, dx, dy), _index(view, east, grid.left_m, 1, dx, dy)]
        for dy in SUBPIXELS
        for dx in SUBPIXELS
    ]
    image = _PALETTE[samples[0]]
    mixed = np.logical_or.reduce([sample != samples[0] for sample in samples[1:]])
    image[mixed] = _blend(np.stack([_PALETTE[sample[mixed]] for sample in samples]))
    return image if transparent else _on_paper(image)


def legend_picture() -> bytes:
    """A legend as a PNG: a swatch a class, from the top, and its name beside it."""
    step = SWATCH_PX + 5
    picture = Image.new("RGBA", (330, step * len(OSM_CLASSES) + 5), (255, 255, 255, 255))
    pen = ImageDraw.Draw(picture)
    for number, entry in enumerate(OSM_CLASSES):
        y = 5 + number * step
        pen.rectangle((5, y, 4 + SWATCH_PX, y + SWATCH_PX - 1), fill=entry.colour)
        pen.text((SWATCH_PX + 12, y + 4), entry.name.capitalize(), fill=(0, 0, 0))
    return png(np.asarray(picture))


def png(image: NDArray[np.uint8]) -> bytes:
    """An image as a PNG."""
    out = io.BytesIO()
    Image.fromarray(image).save(out, "PNG", compress_level=1)
    return out.getvalue()


def jpeg(image: NDArray[np.uint8]) -> bytes:
    """An image as a JPEG, for clients that do not mind other colours."""
    out = io.BytesIO()
    Image.fromarray(image[..., :3]).save(out, "JPEG")
    return out.getvalue()


def _positions(view: MapView) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Easting and northing at the nodes of a map, and the code of its zone."""
    x = np.linspace(view.left, view.right, _count(view.width_px))
    y = np.linspace(view.top, view.bottom, _count(view.height_px))
    lon, lat = crs_transformer(view.crs, "EPSG:4326").transform((view.left + view.right) / 2, (y[0] + y[-1]) / 2)
    zone = utm_epsg(lon, lat)
    east, north = crs_transformer(view.crs, f"EPSG:{zone}").transform(*np.meshgrid(x, y))
    return np.asarray(east), np.asarray(north), zone


def _count(size: int) -> int:
    return max(2, -(-size // NODE_PX) + 1)


def _index(
    view: MapView, nodes: NDArray[np.float64], origin_m: float, sign: int, dx: float, dy: float
) -> NDArray[np.int32]:
    """Row or column of the land use's grid for one place within every pixel."""
    metres = _weights(view.height_px, dy) @ nodes @ _weights(view.width_px, dx).T
    return (sign * (metres - origin_m) / PIXEL_M).astype(np.int32)


def _weights(size: int, within: float) -> NDArray[np.float64]:
    """Weights (size, nodes) that join node values at one place within every pixel."""
    count = _count(size)
    at = (np.arange(size) + within) * (count - 1) / size
    below = np.minimum(at.astype(np.int64), count - 2)
    weights = np.zeros((size, count))
    weights[np.arange(size), below] = 1.0 - (at - below)
    weights[np.arange(size), below + 1] = at - below
    return weights


def _blend(colours_SN4: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The mean of several colours (samples, pixels, 4), each weighing by its opacity."""
    opacity = colours_SN4[..., 3:].astype(np.float32)
    total = opacity.sum(axis=0)
    colour = (colours_SN4[..., :3] * opacity).sum(axis=0) / np.maximum(total, 1.0)
    blended: NDArray[np.uint8] = np.rint(np.concatenate([colour, total / len(colours_SN4)], axis=1)).astype(np.uint8)
    return blended


def _on_paper(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    opacity = image[..., 3:].astype(np.float32) / 255.0
    colour = np.rint(image[..., :3] * opacity + 255.0 * (1.0 - opacity)).astype(np.uint8)
    return np.concatenate([colour, np.full_like(image[..., 3:], 255)], axis=2)
