"""Outlines in degrees: of many patches at once, and across the date line."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.schema.grid import PixelGrid, transformer


def outlines(grids: Sequence[PixelGrid]) -> Any:
    """(n,) polygons in degrees, each as PixelGrid.footprint_lonlat gives it."""
    epsg = np.array([grid.epsg for grid in grids], dtype=np.int64)
    left, bottom, right, top = np.array([grid.bounds_m for grid in grids]).reshape(-1, 4).T
    x, y = np.stack([left, right, right, left], axis=1), np.stack([bottom, bottom, top, top], axis=1)
    lonlat = np.empty((len(grids), 4, 2))
    for zone in np.unique(epsg).tolist():
        here = epsg == zone
        lon, lat = transformer(zone, 4326).transform(x[here].ravel(), y[here].ravel())
        lonlat[here] = np.stack([lon, lat], axis=1).reshape(-1, 4, 2)
    return shapely.polygons(lonlat)


def unrolled(outlines: Any) -> Any:
    """Outlines in degrees; those that cross the date line continue beyond lon 180."""
    west, _, east, _ = np.moveaxis(shapely.bounds(outlines), -1, 0)
    crossing = east - west > 180.0
    if not np.any(crossing):
        return outlines
    return np.where(crossing, shapely.transform(outlines, _eastward), outlines)


def _eastward(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([np.where(lonlat[:, 0] < 0, lonlat[:, 0] + 360.0, lonlat[:, 0]), lonlat[:, 1]])


def centre_of(shape: Any) -> tuple[float, float]:
    """Longitude, -180..180, and latitude of a shape's middle, in degrees."""
    west, _, east, _ = shape.bounds
    if east - west <= 180.0:
        return shape.centroid.x, shape.centroid.y
    middle = shapely.centroid(shapely.transform(shape, _eastward))
    return (middle.x + 180.0) % 360.0 - 180.0, middle.y
