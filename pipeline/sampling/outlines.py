"""The outlines of many patches at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

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
