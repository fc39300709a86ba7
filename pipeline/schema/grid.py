"""Pixel grids in UTM: where a patch lies, to the pixel. Order is always (x, y) in metres, rows run south."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer
from shapely import Polygon

PIXEL_M = 10.0
"""Ground sampling of every stored array, and the step of the Sentinel-2 10 m grid, metres."""

PATCH_PX = 264
"""Side of a pretraining patch, pixels (2.64 km)."""


@lru_cache(maxsize=256)
def transformer(source_epsg: int, target_epsg: int) -> Transformer:
    """A cached coordinate transformer; always x = easting or longitude, y = northing or latitude."""
    return Transformer.from_crs(source_epsg, target_epsg, always_xy=True)


def utm_epsg(lon_deg: float, lat_deg: float) -> int:
    """EPSG code of the UTM zone of Sentinel-2's tiles there, Norway's and Svalbard's exceptions included."""
    zone = int((lon_deg + 180.0) // 6.0) % 60 + 1
    if 56.0 <= lat_deg < 64.0 and 3.0 <= lon_deg < 12.0:
        zone = 32
    elif 72.0 <= lat_deg <= 84.0 and 0.0 <= lon_deg < 42.0:
        zone = 31 + 2 * int((lon_deg + 3.0) // 12.0)
    return (32600 if lat_deg >= 0 else 32700) + zone


@dataclass(frozen=True)
class PixelGrid:
    """A north-up grid of square pixels in one UTM zone."""

    epsg: int
    left_m: float
    """Easting of the left edge of column 0."""
    top_m: float
    """Northing of the upper edge of row 0."""
    width_px: int
    height_px: int
    pixel_m: float = PIXEL_M

    @property
    def affine(self) -> tuple[float, float, float, float, float, float]:
        """(a, b, c, d, e, f): x = a*col + b*row + c, y = d*col + e*row + f."""
        return (self.pixel_m, 0.0, self.left_m, 0.0, -self.pixel_m, self.top_m)

    @property
    def bounds_m(self) -> tuple[float, float, float, float]:
        """(left, bottom, right, top) in metres."""
        right = self.left_m + self.width_px * self.pixel_m
        return (self.left_m, self.top_m - self.height_px * self.pixel_m, right, self.top_m)

    def centres_m(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Eastings (width,) and northings (height,) of the pixel centres."""
        x = self.left_m + (np.arange(self.width_px, dtype=np.float64) + 0.5) * self.pixel_m
        y = self.top_m - (np.arange(self.height_px, dtype=np.float64) + 0.5) * self.pixel_m
        return x, y

    def footprint_lonlat(self) -> Polygon:
        """The outline in degrees (lon, lat, EPSG:4326), its four corners in counter-clockwise order."""
        left, bottom, right, top = self.bounds_m
        lon, lat = transformer(self.epsg, 4326).transform([left, right, right, left], [bottom, bottom, top, top])
        return Polygon(list(zip(lon, lat, strict=True)))


def patch_grid(lon_deg: float, lat_deg: float, size_px: int = PATCH_PX) -> PixelGrid:
    """The square patch around a point, in the point's own UTM zone, snapped to the Sentinel-2 10 m grid.

    Raises ValueError outside Sentinel-2's range of latitudes, 56 S to 84 N.
    """
    if not (-180.0 <= lon_deg <= 180.0 and -56.0 <= lat_deg <= 84.0):
        raise ValueError(f"lon {lon_deg}, lat {lat_deg} is outside lon -180..180, lat -56..84")
    epsg = utm_epsg(lon_deg, lat_deg)
    x, y = transformer(4326, epsg).transform(lon_deg, lat_deg)
    half = size_px * PIXEL_M / 2
    left = math.floor((x - half) / PIXEL_M + 0.5) * PIXEL_M
    top = math.floor((y + half) / PIXEL_M + 0.5) * PIXEL_M
    return PixelGrid(epsg=epsg, left_m=left, top_m=top, width_px=size_px, height_px=size_px)
