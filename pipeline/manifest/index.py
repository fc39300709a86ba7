"""The GeoParquet index: a row per location and season, in store order; the source of truth of a data set."""

import io
import json
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from shapely import MultiPolygon, Polygon, box
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from pipeline.files import write_bytes
from pipeline.schema.grid import PixelGrid, transformer
from pipeline.schema.paths import AnyPath
from pipeline.schema.records import N_SEASONS

GEOPARQUET_VERSION: Final = "1.1.0"

SPLIT: Final = "pretrain"
LABEL_SOURCE: Final = "dynamic_world_v1"

GEOMETRY_CRS: Final = "OGC:CRS84"
"""Longitude before latitude, degrees: GeoParquet's default (specification 1.1, crs)."""

BBOX: Final = ("xmin", "ymin", "xmax", "ymax")

_UTC: Final = pa.timestamp("us", tz="UTC")

SCHEMA: Final = pa.schema(
    {
        "location_id": pa.string(),
        "season": pa.int64(),
        "split": pa.string(),
        "store": pa.string(),
        "row": pa.int64(),
        "s2_id": pa.string(),
        "s1_id": pa.string(),
        "dw_id": pa.string(),
        "s2_datetime": _UTC,
        "s1_datetime": _UTC,
        "processing_baseline": pa.string(),
        "s2_tile": pa.string(),
        "s1_orbit_pass": pa.string(),
        "s1_relative_orbit": pa.int64(),
        "epsg": pa.int64(),
        "geotransform": pa.list_(pa.float64()),
        "cloud_pct": pa.float64(),
        "label_source": pa.string(),
        "label_valid_frac": pa.float64(),
        "geometry": pa.binary(),
        "bbox": pa.struct([(name, pa.float64()) for name in BBOX]),
    }
)
"""season is 0..3 (0 where there is one only), times are UTC. geotransform is (a, b, c, d, e, f): x = a*col + b*row + c,
y = d*col + e*row + f, metres in the row's epsg, at pixel corners. cloud_pct is 0..100, label_valid_frac 0..1; geometry
is the outline as WKB, null where nobody knows where a tile lies. An imported set may know nothing of its scenes."""

MATCHED: Final = {
    "s2_id": "s2_id",
    "s1_id": "s1_id",
    "dw_id": "dw_id",
    "s2_time": "s2_datetime",
    "s1_time": "s1_datetime",
    "s2_baseline": "processing_baseline",
    "s2_tile": "s2_tile",
    "s1_orbit_pass": "s1_orbit_pass",
    "s1_relative_orbit": "s1_relative_orbit",
    "s2_cloud_pct": "cloud_pct",
}
"""What the index tells of a season's scenes: field of SeasonMatch, or TilePair -> column."""

MATCH_COLUMNS: Final = ("location_id", "season", *MATCHED)
"""What `index_table` needs of the matches."""

ROW_GROUP: Final = 2**15
"""Rows read at once at least; a fifth of a megabyte of outlines and ids to a thousand rows."""


def index_table(
    store: str,
    rows: pa.Table,
    locations: pa.Table,
    matches: pa.Table,
    quality: pa.Table,
    label_source: str | None = LABEL_SOURCE,
) -> pa.Table:
    """The index of a pretraining set, by store row and then season, without geometry and bbox of `outlines`.

    `store` is the store's path relative to the data set's folder. `rows` has the columns row and location_id,
    `locations` location_id and grid, `matches` MATCH_COLUMNS, `quality` location_id and dw_valid_share, each in any
    order and of any further locations; `label_source` is None for images without labels. Raises ValueError where a
    stored location has no record, or a season that lacks a scene.
    """
    rows = rows.sort_by("row")
    ids = rows["location_id"].combine_chunks()
    places = locations.take(_positions(ids, locations["location_id"], "location"))
    judged = quality.take(_positions(ids, quality["location_id"], "quality"))
    seasons = _by_row_and_season(ids, matches)
    _require_scenes(rows, seasons, label_source)
    four = np.repeat(np.arange(len(rows)), N_SEASONS)
    shares = pc.list_flatten(judged["dw_valid_share"]).combine_chunks()
    if len(shares) != len(four):
        raise ValueError("a location has no share of labels of one of its seasons")
    columns = {
        "location_id": ids.take(pa.array(four)),
        "season": pa.array(np.tile(np.arange(N_SEASONS), len(rows))),
        "split": pa.repeat(SPLIT, len(four)),
        "store": pa.repeat(store, len(four)),
        "row": rows["row"].take(pa.array(four)),
        **{column: seasons[name] for name, column in MATCHED.items()},
        "label_source": pa.repeat(pa.scalar(label_source, pa.string()), len(four)),
        "label_valid_frac": shares,
    }
    return with_places(columns, _grids(places["grid"]), four)


def with_places(columns: dict[str, Any], grids: Sequence[PixelGrid], at: NDArray[np.int64]) -> pa.Table:
    """The index from all its columns but those of place; `at` tells for every row which of the grids is its own.

    A grid whose epsg is 0 lies nobody knows where and has no geometry.
    """
    outlines = _outlines(grids)
    bounds = shapely.bounds(outlines)
    unknown = pa.array(shapely.is_missing(outlines))
    boxes = pa.StructArray.from_arrays(
        [pa.array(bounds[:, n]) for n in range(len(BBOX))], fields=list(SCHEMA.field("bbox").type), mask=unknown
    )
    places = {
        "epsg": pa.array([grid.epsg for grid in grids], pa.int64()),
        "geotransform": pa.array([list(grid.affine) for grid in grids], pa.list_(pa.float64())),
        "geometry": pa.array(shapely.to_wkb(outlines), pa.binary()),
        "bbox": boxes,
    }
    taken = pa.array(at)
    whole = columns | {name: column.take(taken) for name, column in places.items()}
    return pa.table([_cast(whole[name], kind) for name, kind in zip(SCHEMA.names, SCHEMA.types, strict=True)], SCHEMA)


def _outlines(grids: Sequence[PixelGrid]) -> NDArray[np.object_]:
    """Every grid's outline in degrees, PixelGrid.footprint_lonlat, a zone at a time; None where epsg is 0."""
    found = np.full(len(grids), None, object)
    zones = np.array([grid.epsg for grid in grids])
    for epsg in np.unique(zones[zones != 0]).tolist():
        at = np.flatnonzero(zones == epsg)
        left, bottom, right, top = np.array([grids[n].bounds_m for n in at.tolist()]).T
        x, y = np.stack([left, right, right, left], 1), np.stack([bottom, bottom, top, top], 1)
        lon, lat = transformer(epsg, 4326).transform(x, y)
        found[at] = shapely.polygons(np.stack([lon, lat], 2))
        for n in at[np.ptp(lon, axis=1) > 180.0].tolist():
            found[n] = split_at_antimeridian(found[n])
    return found


def _cast(column: Any, kind: pa.DataType) -> Any:
    return column if column.type == kind else column.cast(kind)


def write_index(path: AnyPath, table: pa.Table) -> None:
    """Write an index of SCHEMA as GeoParquet 1.1 with a covering bbox, zstd; the same rows make the same bytes."""
    buffer = io.BytesIO()
    pq.write_table(
        table.replace_schema_metadata({b"geo": json.dumps(_geo(table)).encode()}),
        buffer,
        compression="zstd",
        row_group_size=ROW_GROUP,
        write_page_checksum=True,
    )
    write_bytes(path, buffer.getvalue())


def _geo(table: pa.Table) -> dict[str, Any]:
    """GeoParquet's own metadata (specification 1.1.0, 'File metadata')."""
    column: dict[str, Any] = {
        "encoding": "WKB",
        "crs": CRS.from_user_input(GEOMETRY_CRS).to_json_dict(),
        "geometry_types": _geometry_types(table["geometry"]),
        "covering": {"bbox": {name: ["bbox", name] for name in BBOX}},
    }
    extremes = [
        (pc.min if name.endswith("min") else pc.max)(pc.struct_field(table["bbox"], name)).as_py() for name in BBOX
    ]
    if None not in extremes:
        column["bbox"] = extremes
    return {"version": GEOPARQUET_VERSION, "primary_column": "geometry", "columns": {"geometry": column}}


def _geometry_types(column: pa.ChunkedArray) -> list[str]:
    """Told from the WKB's second byte: 3 is a polygon, 6 several (OGC 06-103r4, 8.2.8)."""
    codes = {code[0] for code in pc.unique(pc.binary_slice(column, 1, 2)).to_pylist() if code is not None}
    names = {3: "Polygon", 6: "MultiPolygon"}
    return [names[code] for code in sorted(codes)]


def split_at_antimeridian(outline: Polygon) -> BaseGeometry:
    """A small polygon in degrees, in two parts where it crosses 180 degrees (RFC 7946, section 3.1.9)."""
    west, _, east, _ = outline.bounds
    if east - west <= 180.0:
        return outline
    unrolled = Polygon([(lon % 360.0, lat) for lon, lat in outline.exterior.coords])
    east_of = translate(unrolled.intersection(box(180.0, -90.0, 360.0, 90.0)), xoff=-360.0)
    west_of = unrolled.intersection(box(0.0, -90.0, 180.0, 90.0))
    return MultiPolygon([west_of, east_of])


def _positions(ids: pa.Array, among: pa.ChunkedArray, what: str) -> pa.Array:
    """Where each of `ids` stands in a column; ValueError where one does not."""
    found = pc.index_in(ids, value_set=among.combine_chunks())
    if found.null_count:
        first = ids.filter(pc.is_null(found))[0]
        raise ValueError(f"store row {pc.index(ids, first)}, {first}: no record of its {what}")
    return found


def _by_row_and_season(ids: pa.Array, matches: pa.Table) -> pa.Table:
    """The matches of stored locations, four to each, in order of row and season."""
    stored = pc.index_in(matches["location_id"], value_set=ids)
    matches = matches.filter(pc.is_valid(stored))
    key = stored.drop_null().to_numpy() * N_SEASONS + matches["season"].to_numpy()
    times = np.bincount(key, minlength=len(ids) * N_SEASONS)
    wrong = np.flatnonzero(times != 1)
    if len(wrong):
        row, season = divmod(int(wrong[0]), N_SEASONS)
        many = "no record of" if times[wrong[0]] == 0 else f"{times[wrong[0]]} records of"
        raise ValueError(f"store row {row}, {ids[row]}: {many} season {season}")
    return matches.combine_chunks().take(pa.array(np.argsort(key)))


def _require_scenes(rows: pa.Table, seasons: pa.Table, label_source: str | None) -> None:
    """ValueError where a season lacks a scene that it is to have."""
    needed = {"S2": "s2_id", "DW": "dw_id", "S1": "s1_id"}
    for what, name in needed.items():
        lacking = pc.is_null(seasons[name])
        if (what != "DW" or label_source is not None) and pc.any(lacking).as_py():
            row, season = divmod(pc.index(lacking, True).as_py(), N_SEASONS)
            raise ValueError(f"store row {row}, {rows['location_id'][row]}: season {season} lacks {what}")


def _grids(column: pa.ChunkedArray) -> list[PixelGrid]:
    return [PixelGrid(**grid) for grid in column.to_pylist()]
