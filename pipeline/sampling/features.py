"""Vector files with a coordinate reference system, read into degrees."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import shapely
from pyogrio.errors import DataSourceError

from pipeline.schema.errors import UsageError

PARQUET = (".parquet", ".geoparquet")
VECTOR = (".geojson", ".json", ".gpkg", ".fgb")
"""Formats of one file each: a file's content decides a run's digest, and a shapefile is several."""


def read_features(path: Path, key: str) -> Any:
    """The features of a GeoParquet, GeoJSON, GeoPackage or FlatGeobuf file as a GeoDataFrame in degrees (lon, lat).

    `key` is the recipe's key, for messages. Raises UsageError for a file that cannot be read, for one without a
    coordinate reference system, and for coordinates that are none on Earth.
    """
    suffix = path.suffix.lower()
    if suffix not in PARQUET + VECTOR:
        raise UsageError(f"{key}: {path} is none of the formats {', '.join(PARQUET + VECTOR)}; convert it to one")
    kind = "GeoParquet" if suffix in PARQUET else "vector"
    try:
        rows = gpd.read_parquet(path) if suffix in PARQUET else gpd.read_file(path)
    except (OSError, ValueError, pa.ArrowException, DataSourceError) as error:
        first_line = str(error).splitlines()[0]
        raise UsageError(f"{key}: {path} is no readable {kind} file ({first_line})") from error
    if not isinstance(rows, gpd.GeoDataFrame):
        raise UsageError(f"{key}: {path} has no geometry column; write it with one")
    if rows.crs is None:
        raise UsageError(f"{key}: {path} says no coordinate reference system; write it with one, for example EPSG:4326")
    rows = rows.reset_index(drop=True)
    if not rows.crs.equals("EPSG:4326", ignore_axis_order=True):
        rows = rows.to_crs(4326)
    _require_degrees(rows, path, key)
    return rows


def _require_degrees(rows: Any, path: Path, key: str) -> None:
    """Refuse geometries that are missing, empty or outside lon -180..180, lat -90..90."""
    bounds = shapely.bounds(rows.geometry.to_numpy())
    missing = np.flatnonzero(np.isnan(bounds).any(axis=1))
    if missing.size:
        raise UsageError(f"{key}: {path} row {missing[0] + 1} has no geometry, or one that is not finite; correct it")
    outside = np.flatnonzero((np.abs(bounds) > (180.0, 90.0, 180.0, 90.0)).any(axis=1))
    if outside.size:
        west, south, east, north = bounds[outside[0]]
        raise UsageError(
            f"{key}: {path} row {outside[0] + 1} reaches over lon {west:g}..{east:g}, lat {south:g}..{north:g}; "
            f"coordinates are degrees, lon -180..180 (cut at the date line), lat -90..90"
        )
