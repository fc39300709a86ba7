"""Every patch of a regular grid within a region."""

import math
from collections.abc import Iterator

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.sampling.neighbourhood import Neighbourhood
from pipeline.sampling.outlines import outlines
from pipeline.sampling.placing import LAT_RANGE_DEG, numbered
from pipeline.sampling.region import Region
from pipeline.schema.grid import PATCH_PX, PIXEL_M, PixelGrid, transformer, utm_epsg
from pipeline.schema.records import Location

SIDE_M = PATCH_PX * PIXEL_M
"""Step of the grid: its edges are multiples of it, from northing 0 and easting 0 of each zone."""

_ZONE_DEG = 6.0
_DENSE_DEG = 0.1


def every_patch(region: Region, count: int | None, seed: int) -> list[Location]:
    """The patches of the regular grid that lie wholly in the region, or `count` of them drawn at random.

    Where two zones meet, a patch that shares ground with one of the zone before is left out. The order is shuffled
    by the seed, so that a smaller count gives a prefix of a larger one.
    """
    ground = Neighbourhood()
    grids = [
        (lon, lat, grid)
        for west in np.arange(-180.0, 180.0, _ZONE_DEG)
        for north in (True, False)
        for lon, lat, grid in _zone_patches(region, float(west), north=north)
        if ground.add_if_free(lon, lat, grid)
    ]
    order = np.random.default_rng(seed).permutation(len(grids))[:count]
    return [Location(numbered(i), *grids[chosen]) for i, chosen in enumerate(order.tolist())]


def _zone_patches(region: Region, west: float, *, north: bool) -> Iterator[tuple[float, float, PixelGrid]]:
    """Centre (lon, lat) and patch, row by row from the north, for those that belong to one zone and hemisphere."""
    epsg = (32600 if north else 32700) + round((west + 180.0) / _ZONE_DEG) + 1
    low, high = (0.0, LAT_RANGE_DEG[1]) if north else (LAT_RANGE_DEG[0], 0.0)
    # Three degrees more on either side: the zones of Norway and Svalbard are wider (Sentinel-2 tiling grid).
    around = region.clipped(west - 3.0, low, west + _ZONE_DEG + 3.0, high)
    if around.is_empty:
        return
    dense = shapely.get_coordinates(shapely.segmentize(around, _DENSE_DEG))
    x, y = transformer(4326, epsg).transform(dense[:, 0], dense[:, 1])
    columns = np.arange(math.floor(x.min() / SIDE_M), math.ceil(x.max() / SIDE_M) + 1)
    rows = np.arange(math.ceil(y.max() / SIDE_M) + 1, math.floor(y.min() / SIDE_M), -1)
    for row in rows:
        yield from _row_patches(region, epsg, columns * SIDE_M, float(row * SIDE_M))


def _row_patches(
    region: Region, epsg: int, left_m: NDArray[np.float64], top_m: float
) -> Iterator[tuple[float, float, PixelGrid]]:
    half = SIDE_M / 2
    lon, lat = transformer(epsg, 4326).transform(left_m + half, np.full(len(left_m), top_m - half))
    inside = region.holds_points(lon, lat)
    ours = [bool(i) and utm_epsg(x, y) == epsg for i, x, y in zip(inside, lon, lat, strict=True)]
    grids = [PixelGrid(epsg, float(left), top_m, PATCH_PX, PATCH_PX) for left in left_m[ours]]
    if grids:
        whole = region.holds(outlines(grids))
        yield from (
            (float(x), float(y), grid) for x, y, grid, ok in zip(lon[ours], lat[ours], grids, whole, strict=True) if ok
        )
