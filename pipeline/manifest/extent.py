"""Where and when the scenes of a data set lie, from its index."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from pipeline.manifest.described import Extent


def extent_of(index: pa.Table) -> Extent:
    """The extent of an index of pipeline/manifest/index.SCHEMA."""
    times = [_extreme(index[name]) for name in ("s2_datetime", "s1_datetime")]
    first = [time["min"] for time in times if time["min"] is not None]
    last = [time["max"] for time in times if time["max"] is not None]
    zones = pc.unique(index["epsg"]).to_pylist()
    return Extent(
        bbox=_bbox(index["geometry"]),
        first=min(first, default=None),
        last=max(last, default=None),
        epsg=tuple(sorted(zone for zone in zones if zone)),
    )


def _extreme(column: pa.ChunkedArray) -> dict[str, Any]:
    found: dict[str, Any] = pc.min_max(column).as_py()
    return found


def _bbox(geometry: pa.ChunkedArray) -> tuple[float, float, float, float] | None:
    """The smaller of the boxes that leave 180 degrees out and that reach across it (RFC 7946, 5.2)."""
    outlines = shapely.from_wkb(pc.unique(geometry.drop_null()).to_numpy(zero_copy_only=False))
    bounds = shapely.bounds(shapely.get_parts(outlines))
    if not len(bounds):
        return None
    west, south, east, north = bounds.T
    plain = float(west.min()), float(east.max())
    unrolled_west, unrolled_east = np.where(west < 0, west + 360, west), np.where(east <= 0, east + 360, east)
    across = float(unrolled_west.min()), float(unrolled_east.max())
    if across[1] > 180 and across[1] - across[0] < min(180.0, plain[1] - plain[0]):
        plain = across[0], across[1] - 360
    return plain[0], float(south.min()), plain[1], float(north.max())
