"""The GeoParquet index: a row per location and season, in store order; the source of truth of a data set."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import geopandas as gpd
import pandas as pd
from shapely import MultiPolygon, Polygon, box
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from pipeline.files import write_bytes
from pipeline.schema.paths import AnyPath
from pipeline.schema.records import N_SEASONS, LabelShare, Location, SeasonMatch, StoreRow

GEOPARQUET_VERSION: Final = "1.1.0"

SPLIT: Final = "pretrain"
LABEL_SOURCE: Final = "dynamic_world_v1"

NULLABLE: Final = {
    "dw_id": "string",
    "processing_baseline": "string",
    "s1_orbit_pass": "string",
    "s1_relative_orbit": "Int64",
    "cloud_pct": "Float64",
    "label_source": "string",
}
"""pandas' types of columns of which an imported data set may know nothing at all."""

GEOMETRY_CRS: Final = "OGC:CRS84"
"""Longitude before latitude, degrees: GeoParquet's default (specification 1.1, crs)."""


def index_rows(
    store: str,
    rows: Sequence[StoreRow],
    locations: Sequence[Location],
    matches: Sequence[SeasonMatch],
    quality: Sequence[LabelShare],
    label_source: str | None = LABEL_SOURCE,
) -> list[dict[str, Any]]:
    """The index as plain rows, by store row and then season. `store` is the store's path in the run directory.

    Columns: location_id, season (0..3), split, store, row, s2_id, s1_id, dw_id, s2_datetime and s1_datetime (UTC),
    processing_baseline, s2_tile, s1_orbit_pass, s1_relative_orbit, epsg, geotransform, cloud_pct (0..100),
    label_source, label_valid_frac (0..1), geometry. geotransform is (a, b, c, d, e, f): x = a*col + b*row + c,
    y = d*col + e*row + f, metres in the row's epsg, at pixel corners.
    `label_source` is None for images without labels. Raises ValueError where a stored location has no record, or a
    season that lacks a scene.
    """
    places = {place.location_id: place for place in locations}
    seasons = {(match.location_id, match.season): match for match in matches}
    worth = {record.location_id: record for record in quality}
    plain = []
    for row in sorted(rows, key=lambda r: r.row):
        try:
            place, judged = places[row.location_id], worth[row.location_id]
            chosen = [seasons[row.location_id, season] for season in range(N_SEASONS)]
        except KeyError as error:
            raise ValueError(f"store row {row.row}, {row.location_id}: no record of {error}") from error
        geometry = split_at_antimeridian(place.grid.footprint_lonlat())
        for match in chosen:
            lacking = [what for what in match.lacking if what != "DW" or label_source is not None]
            if lacking:
                raise ValueError(f"store row {row.row}, {row.location_id}: season {match.season} lacks {lacking[0]}")
            plain.append(
                {
                    "location_id": row.location_id,
                    "season": match.season,
                    "split": SPLIT,
                    "store": store,
                    "row": row.row,
                    **_scene_columns(match),
                    "epsg": place.grid.epsg,
                    "geotransform": list(place.grid.affine),
                    "cloud_pct": match.s2_cloud_pct,
                    "label_source": label_source,
                    "label_valid_frac": judged.dw_valid_share[match.season],
                    "geometry": geometry,
                }
            )
    return plain


def empty_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The types of those NULLABLE columns that hold nothing, whose values therefore do not tell them."""
    return {name: kind for name, kind in NULLABLE.items() if all(row[name] is None for row in rows)}


def write_index(path: AnyPath, rows: Sequence[Mapping[str, Any]], dtypes: Mapping[str, Any] | None = None) -> None:
    """Write index rows as GeoParquet 1.1 with a covering bbox, zstd; the same rows make the same content.

    `dtypes` are pandas' types of columns that may hold nothing but nulls.
    """
    table = pd.DataFrame(list(rows)).astype(dict(dtypes or {}))
    frame = gpd.GeoDataFrame(table, geometry="geometry", crs=GEOMETRY_CRS)
    buffer = io.BytesIO()
    frame.to_parquet(
        buffer, index=False, compression="zstd", schema_version=GEOPARQUET_VERSION, write_covering_bbox=True
    )
    write_bytes(path, buffer.getvalue())


def split_at_antimeridian(outline: Polygon) -> BaseGeometry:
    """A small polygon in degrees, in two parts where it crosses 180 degrees (RFC 7946, section 3.1.9)."""
    west, _, east, _ = outline.bounds
    if east - west <= 180.0:
        return outline
    unrolled = Polygon([(lon % 360.0, lat) for lon, lat in outline.exterior.coords])
    east_of = translate(unrolled.intersection(box(180.0, -90.0, 360.0, 90.0)), xoff=-360.0)
    west_of = unrolled.intersection(box(0.0, -90.0, 180.0, 90.0))
    return MultiPolygon([west_of, east_of])


def _scene_columns(match: SeasonMatch) -> dict[str, Any]:
    return {
        "s2_id": match.s2_id,
        "s1_id": match.s1_id,
        "dw_id": match.dw_id,
        "s2_datetime": match.s2_time,
        "s1_datetime": match.s1_time,
        "processing_baseline": match.s2_baseline,
        "s2_tile": match.s2_tile,
        "s1_orbit_pass": match.s1_orbit_pass,
        "s1_relative_orbit": match.s1_relative_orbit,
    }
