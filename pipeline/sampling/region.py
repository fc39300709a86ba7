"""Polygons of interest: which patches lie in them, and places drawn evenly over them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.sampling.features import read_features
from pipeline.sampling.outlines import unrolled
from pipeline.sampling.placing import LAT_RANGE_DEG, Draw
from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PixelGrid

_DRAWS = 1024
_METRES_A_DEGREE = 110_500.0
"""The least length of a degree of latitude (WGS 84)."""


@dataclass(frozen=True)
class Region:
    """An area on Earth, in degrees."""

    area: Any
    """A valid shapely Polygon or MultiPolygon (lon, lat), cut at the date line where it crosses it."""

    @cached_property
    def _unrolled(self) -> Any:
        """The area over lon -180..540, so that what is cut at the date line is one again."""
        east = shapely.transform(self.area, lambda lonlat: lonlat + np.array([360.0, 0.0]))
        whole = shapely.union_all([self.area, east])
        shapely.prepare(whole)
        return whole

    def holds(self, outlines: Any) -> Any:
        """Whether patches, as outlines in degrees, lie wholly inside; (n,) booleans for (n,) polygons."""
        return shapely.covers(self._unrolled, unrolled(outlines))

    def holds_patch(self, grid: PixelGrid) -> bool:
        """Whether one patch lies wholly inside."""
        return bool(self.holds(grid.footprint_lonlat()))

    def holds_points(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether points in degrees lie inside."""
        return np.asarray(shapely.contains_xy(self._unrolled, lon, lat))

    def near(self, lonlat: NDArray[np.float64], distance_m: float) -> NDArray[np.float64]:
        """Those of the (n, 2) points that may be within `distance_m`: in the boxes of the parts, widened by it."""
        dlat = distance_m / _METRES_A_DEGREE
        found = np.zeros(len(lonlat), bool)
        for west, south, east, north in shapely.bounds(shapely.get_parts(self.area)):
            far_lat = min(max(abs(south), abs(north)) + dlat, 89.0)
            dlon = dlat / np.cos(np.radians(far_lat))
            beyond_west = (lonlat[:, 0] - (west - dlon)) % 360.0
            in_lon = (beyond_west <= east - west + 2 * dlon) | (east - west + 2 * dlon >= 360.0)
            found |= in_lon & (lonlat[:, 1] >= south - dlat) & (lonlat[:, 1] <= north + dlat)
        return lonlat[found]

    def clipped(self, west: float, south: float, east: float, north: float) -> Any:
        """The area within a box of degrees."""
        return shapely.intersection(self.area, shapely.box(west, south, east, north))

    def draw_evenly(self, seed: int) -> Iterator[Draw]:
        """Draw places evenly over the area on the sphere, for ever; None for a draw that missed."""
        south, north = LAT_RANGE_DEG
        parts = shapely.get_parts(self.clipped(-180.0, south, 180.0, north))
        parts = parts[shapely.area(parts) > 0]
        if not len(parts):
            return
        shapely.prepare(parts)
        west, low, east, high = shapely.bounds(parts).T
        low, high = np.sin(np.radians(low)), np.sin(np.radians(high))
        weight = (east - west) * (high - low)
        rng = np.random.default_rng(seed)
        while True:
            part = rng.choice(len(parts), size=_DRAWS, p=weight / weight.sum())
            lon = rng.uniform(west[part], east[part])
            lat = np.degrees(np.arcsin(rng.uniform(low[part], high[part])))
            hit = shapely.contains_xy(parts[part], lon, lat)
            yield from (
                (x, y) if ok else None for x, y, ok in zip(lon.tolist(), lat.tolist(), hit.tolist(), strict=True)
            )


def read_region(path: Path) -> Region:
    """The polygons of a vector file, as one region; UsageError says what is wrong with them."""
    shapes = read_features(path, "sample.within").geometry.to_numpy()
    if not len(shapes):
        raise UsageError(f"sample.within: {path} holds no features; name a file with polygons")
    for row, shape in enumerate(shapes, start=1):
        if shape.geom_type not in ("Polygon", "MultiPolygon"):
            raise UsageError(f"sample.within: {path} row {row} is a {shape.geom_type}; polygons are needed")
        if not shape.is_valid:
            reason = shapely.is_valid_reason(shape)
            raise UsageError(f"sample.within: {path} row {row} is no valid polygon ({reason}); mend it, see make_valid")
    return Region(shapely.union_all(shapely.force_2d(shapes)))
