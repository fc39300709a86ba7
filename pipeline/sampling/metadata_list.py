"""The layout of SSL4EO-S12 v1.1's published metadata: a row for each location and date, with the tile's zone."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.sampling.feature_list import id_texts
from pipeline.sampling.features import PARQUET
from pipeline.sampling.list_row import ListRow
from pipeline.schema.errors import UsageError
from pipeline.schema.records import N_SEASONS

COLUMNS = ("sample_id", "time", "tile_crs", "geometry")
"""What is read: location, acquisition time (UTC), EPSG code of the tile, footprint (degrees)."""

SEASON_COLUMN = "time_id"
"""Season 0..3 of a row; a list without it has its seasons in order of time."""

TILE_COLUMN = "tile_id"
"""Sentinel-2 tile of a row; with `time` it names a scene."""


def is_metadata(columns: Any) -> bool:
    """Whether a list with these columns has a row for each location and date."""
    return "time" in columns or "tile_crs" in columns


def names_scenes(path: Path) -> bool:
    """Whether a list names Sentinel-2 scenes by time and tile, as SSL4EO-S12 v1.1's metadata does."""
    if path.suffix.lower() not in PARQUET:
        return False
    try:
        columns = pq.read_schema(path).names
    except (OSError, pa.ArrowException):
        return False
    return "time" in columns and TILE_COLUMN in columns


def metadata_rows(rows: Any, path: Path) -> list[ListRow]:
    """The locations of a GeoDataFrame in this layout, each with its four dates; UsageError says what is wrong."""
    missing = [name for name in COLUMNS if name not in rows.columns]
    if missing:
        raise UsageError(
            f"sample.from: {path} lacks the column(s) {', '.join(missing)}; "
            f"it needs {', '.join(COLUMNS)}, a row per location and date"
        )
    ids = np.array(id_texts(rows.sample_id, path, "sample_id"), dtype=object)
    times = _times(rows.time, path)
    zones = _zones(rows.tile_crs, path)
    seasons = _seasons(rows[SEASON_COLUMN], path) if SEASON_COLUMN in rows.columns else times.to_numpy()
    order = np.lexsort((seasons, ids.astype(str)))
    in_turn = np.asarray(seasons)[order].tolist()
    ids, shapes, zones = ids[order], rows.geometry.to_numpy()[order], zones[order]
    moments = [moment.to_pydatetime() for moment in times.iloc[order]]
    firsts = np.flatnonzero(np.append(True, ids[1:] != ids[:-1])) if len(ids) else np.empty(0, int)
    found = []
    for first, end in zip(firsts.tolist(), [*firsts[1:].tolist(), len(ids)], strict=True):
        if end - first != N_SEASONS:
            raise UsageError(
                f"sample.from: {path} has {end - first} dates for location {ids[first]}; it needs {N_SEASONS}"
            )
        if SEASON_COLUMN in rows.columns and in_turn[first:end] != [*range(N_SEASONS)]:
            raise UsageError(f"sample.from: {path} has a season of location {ids[first]} twice; it needs 0..3")
        epsgs = tuple(dict.fromkeys(zones[first:end].tolist()))
        where = f"{path} row {order[first] + 1}"
        found.append(ListRow(ids[first], where, shapes[first], epsgs, tuple(moments[first:end])))
    return found


def _times(column: Any, path: Path) -> Any:
    times = pd.to_datetime(column, utc=True, errors="coerce").dt.floor("us")
    bad = np.flatnonzero(times.isna())
    if bad.size:
        raise UsageError(f"sample.from: {path} row {bad[0] + 1} has the time {column.iloc[bad[0]]}; it needs a date")
    return times


def _zones(column: Any, path: Path) -> Any:
    zones = pd.to_numeric(column, errors="coerce")
    bad = np.flatnonzero(zones.isna() | (zones != zones.round()))
    if bad.size:
        raise UsageError(
            f"sample.from: {path} row {bad[0] + 1} has tile_crs {column.iloc[bad[0]]}; it needs a code like 32633"
        )
    return zones.to_numpy().astype(np.int64)


def _seasons(column: Any, path: Path) -> Any:
    bad = np.flatnonzero(~column.isin(range(N_SEASONS)))
    if bad.size:
        raise UsageError(
            f"sample.from: {path} row {bad[0] + 1} has {SEASON_COLUMN} {column.iloc[bad[0]]}; seasons are 0..3"
        )
    return column.to_numpy().astype(np.int64)
