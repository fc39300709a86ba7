"""Rows of an index as the records that a build made them of: where pixels lie, and which scenes they show."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.schema.errors import NoldoError
from pipeline.schema.grid import PixelGrid
from pipeline.schema.records import Location, SeasonMatch
from pipeline.schema.tiles import TilePair, TileRow

Row = Mapping[Any, Any]
"""One row of an index, by column."""


def rows_of(index: pd.DataFrame, store: str, row: int) -> list[Row]:
    """The index's rows of one row of a store, by season; NoldoError where there are none."""
    found = index[(index["store"] == store) & (index["row"] == row)].sort_values("season")
    if found.empty:
        raise NoldoError(f"the index has no row {row} of {store}; restore manifest/index.parquet from a copy")
    return list(found.to_dict("records"))


def grid_of(row: Row, size_px: int) -> PixelGrid:
    """The square grid of a row's pixels; NoldoError where the index does not say, or says something else."""
    if not row["epsg"] or np.ndim(row["geotransform"]) != 1:
        raise NoldoError(
            f"the index does not say where {row['location_id']} lies, so it cannot be fetched; take it from a copy"
        )
    a, b, left, d, e, top = (float(value) for value in row["geotransform"])
    if b or d or a != -e:
        raise NoldoError(
            f"the index gives {row['location_id']} the geotransform {np.asarray(row['geotransform']).tolist()}, which "
            "is not north-up with square pixels; restore manifest/index.parquet from a copy"
        )
    return PixelGrid(int(row["epsg"]), left, top, size_px, size_px, a)


def location_of(rows: Sequence[Row], size_px: int) -> Location:
    """The location of a pretraining set's row, from its rows of the index."""
    grid = grid_of(rows[0], size_px)
    centre = grid.footprint_lonlat().centroid
    return Location(str(rows[0]["location_id"]), centre.x, centre.y, grid)


def match_of(row: Row) -> SeasonMatch:
    """The scenes of one season."""
    return SeasonMatch(
        location_id=str(row["location_id"]),
        season=int(row["season"]),
        s2_id=_text(row, "s2_id"),
        s2_time=None,
        s2_cloud_pct=None,
        s2_baseline=_text(row, "processing_baseline"),
        s2_tile=_text(row, "s2_tile"),
        s1_id=_text(row, "s1_id"),
        s1_time=None,
        s1_orbit_pass=None,
        s1_relative_orbit=None,
        dw_id=_text(row, "dw_id"),
    )


def tile_of(row: Row, size_px: int) -> tuple[TileRow, TilePair]:
    """The tile of a downstream set's row, and its scenes."""
    tile_id = str(row["location_id"])
    tile = TileRow(int(row["row"]), tile_id, grid_of(row, size_px))
    return tile, TilePair(tile_id, s2_id=_text(row, "s2_id"), s1_id=_text(row, "s1_id"))


def _text(row: Row, column: str) -> str | None:
    value = row.get(column)
    return value if isinstance(value, str) and value else None
