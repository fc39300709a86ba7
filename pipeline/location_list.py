"""Locations from a list: the layout of SSL4EO-S12 v1.1's published metadata."""

from datetime import UTC
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyarrow as pa

from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PATCH_PX, PIXEL_M, PixelGrid, patch_grid, transformer
from pipeline.schema.records import N_SEASONS, Location

COLUMNS = ("sample_id", "time", "tile_crs", "geometry")
"""What is read: location, acquisition time (UTC), EPSG code of the tile, footprint (degrees)."""

SEASON_COLUMN = "time_id"
"""Season 0..3 of a row; a list without it has its seasons in order of time."""

_SNAP_M = 0.05
"""Published footprints are rounded in degrees; this far from the 10 m grid still counts as on it."""


def read_locations(path: Path, limit: int | None = None) -> list[Location]:
    """The locations of a GeoParquet list with their four dates, ordered by id; the first `limit` of them.

    Where the footprint is a 2.64 km square on the 10 m grid of one of its tiles' zones, the patch is exactly
    that square; elsewhere it is the patch around the footprint's centre. Raises UsageError for a file that
    cannot be read.
    """
    try:
        rows = gpd.read_parquet(path)
    except (OSError, ValueError, pa.ArrowException) as error:
        first_line = str(error).splitlines()[0]
        raise UsageError(f"sample.from: {path} is no readable GeoParquet file ({first_line})") from error
    missing = [name for name in COLUMNS if name not in rows.columns]
    if missing:
        raise UsageError(
            f"sample.from: {path} lacks the column(s) {', '.join(missing)}; "
            f"it needs {', '.join(COLUMNS)}, a row per location and date"
        )
    order = SEASON_COLUMN if SEASON_COLUMN in rows.columns else "time"
    locations: list[Location] = []
    for location_id, dates in rows.sort_values(["sample_id", order]).groupby("sample_id", sort=True):
        if limit is not None and len(locations) == limit:
            break
        if len(dates) != N_SEASONS:
            raise UsageError(
                f"sample.from: {path} has {len(dates)} dates for location {location_id}; it needs {N_SEASONS}"
            )
        locations.append(_location(str(location_id), dates))
    return locations


def _location(location_id: str, dates: Any) -> Location:
    footprint = dates.geometry.iloc[0]
    codes = list(dict.fromkeys(int(code) for code in dates.tile_crs))
    grid = next((g for g in (_exact_grid(footprint, code) for code in codes) if g is not None), None)
    if grid is None:
        grid = patch_grid(footprint.centroid.x, footprint.centroid.y)
    centre = grid.footprint_lonlat().centroid
    times = tuple(t.to_pydatetime().replace(tzinfo=UTC) for t in dates.time)
    return Location(location_id, centre.x, centre.y, grid, times)


def _exact_grid(footprint: Any, epsg: int) -> PixelGrid | None:
    """The grid whose outline the footprint is, or None where it is no such square in that zone."""
    x, y = transformer(4326, epsg).transform(*footprint.exterior.xy)
    left, bottom, right, top = min(x), min(y), max(x), max(y)
    snapped_left, snapped_top = round(left / PIXEL_M) * PIXEL_M, round(top / PIXEL_M) * PIXEL_M
    side = PATCH_PX * PIXEL_M
    misfit = (left - snapped_left, top - snapped_top, right - left - side, top - bottom - side)
    if max(abs(m) for m in misfit) > _SNAP_M:
        return None
    return PixelGrid(epsg, snapped_left, snapped_top, PATCH_PX, PATCH_PX)
