"""A picture of a patch as a layer of a web map."""

import base64
import io
from typing import Final

import numpy as np
from ipyleaflet import ImageOverlay
from numpy.typing import NDArray
from PIL import Image

from pipeline.schema.grid import PixelGrid, transformer

MERCATOR: Final = 3857
"""EPSG code of the projection that web maps are drawn in."""

DEGREES: Final = 4326

HALF_MAP_M: Final = 20_037_508.0
"""Half the width of the map, metres (pi times the radius of the sphere that it takes the Earth for)."""


def overlay(picture_HW3: NDArray[np.uint8], grid: PixelGrid, name: str, *, visible: bool = True) -> ImageOverlay:
    """The picture in its place, for `geemap.Map.add`; it brings its pixels with it and asks no server for tiles.

    `picture_HW3`: colours of the pixels of `grid`. They are warped from its UTM zone to web Mercator by nearest
    neighbour, so that labels stay what they are; what lies outside is transparent. `name`: in the list of layers.
    ValueError where the picture is not of the grid, or the grid crosses 180 degrees, where a web map ends.
    """
    if picture_HW3.shape != (grid.height_px, grid.width_px, 3) or picture_HW3.dtype != np.uint8:
        raise ValueError(
            f"the picture is {picture_HW3.dtype} {picture_HW3.shape}, expected uint8 "
            f"({grid.height_px}, {grid.width_px}, 3)"
        )
    west, south, east, north = _mercator_bounds(grid)
    if east - west > HALF_MAP_M:
        raise ValueError(f"layer '{name}' crosses 180 degrees, where a web map ends")
    # Two pixels of the map for one of the patch: nearest neighbour then moves an edge by a quarter of a pixel at most.
    width, height = 2 * grid.width_px, 2 * grid.height_px
    x_W = west + (np.arange(width) + 0.5) / width * (east - west)
    y_H = north - (np.arange(height) + 0.5) / height * (north - south)
    easting_HW, northing_HW = transformer(MERCATOR, grid.epsg).transform(*np.meshgrid(x_W, y_H))
    left, bottom, right, top = grid.bounds_m
    inside_HW = (easting_HW >= left) & (easting_HW < right) & (northing_HW <= top) & (northing_HW > bottom)
    column = ((easting_HW[inside_HW] - left) / grid.pixel_m).astype(np.int64)
    row = ((top - northing_HW[inside_HW]) / grid.pixel_m).astype(np.int64)
    warped_HW4 = np.zeros((height, width, 4), np.uint8)
    warped_HW4[inside_HW, :3] = picture_HW3[row, column]
    warped_HW4[inside_HW, 3] = 255
    lon, lat = transformer(MERCATOR, DEGREES).transform([west, east], [south, north])
    return ImageOverlay(url=_png(warped_HW4), bounds=((lat[0], lon[0]), (lat[1], lon[1])), name=name, visible=visible)


def _mercator_bounds(grid: PixelGrid) -> tuple[float, float, float, float]:
    """(west, south, east, north) of the patch's outline, metres of the map."""
    left, bottom, right, top = grid.bounds_m
    along_x, along_y = np.linspace(left, right, 9), np.linspace(bottom, top, 9)
    x = np.concatenate([along_x, along_x, np.full(9, left), np.full(9, right)])
    y = np.concatenate([np.full(9, bottom), np.full(9, top), along_y, along_y])
    map_x, map_y = transformer(grid.epsg, MERCATOR).transform(x, y)
    return float(map_x.min()), float(map_y.min()), float(map_x.max()), float(map_y.max())


def _png(picture_HW4: NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(picture_HW4).save(buffer, format="png")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
