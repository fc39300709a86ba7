"""One place of a given list, as each format's reader hands it over, and the location it makes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shapely import Point

from pipeline.sampling.outlines import centre_of
from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PATCH_PX, PIXEL_M, PixelGrid, patch_grid, transformer, utm_epsg
from pipeline.schema.records import Location

ID_COLUMNS = ("sample_id", "location_id", "id")
"""Names of the column with the ids; the first that is there is read."""

DATE_COLUMNS = ("time_0", "time_1", "time_2", "time_3")
"""Acquisition times of the four seasons, where a list with one row a location brings them; ISO 8601, UTC."""

LAT_RANGE_DEG = (-56.0, 84.0)
"""Where UTM and Sentinel-2 both reach (pipeline/schema/grid.py)."""

MAX_ID_CHARS = 128
"""Ids become names in reports and folders."""

_SNAP_M = 0.05
"""Published footprints are rounded in degrees; this far from the 10 m grid still counts as on it."""


@dataclass(frozen=True)
class ListRow:
    """A place in a list."""

    location_id: str
    where: str
    """File and row, for messages."""
    shape: Any
    """A shapely geometry in degrees: a point, or a footprint."""
    epsgs: tuple[int, ...] = ()
    """UTM zones in which the footprint may be a square, the likeliest first; empty to try its own."""
    dates: tuple[datetime, ...] = ()
    """Four acquisition times (UTC), or none."""


def require_id(location_id: str, where: str) -> None:
    """Refuse an id that is empty, too long, or could not be part of a file's name."""
    bad = not location_id or location_id != location_id.strip() or location_id in (".", "..")
    if bad or not location_id.isprintable() or "/" in location_id or "\\" in location_id:
        raise UsageError(f"sample.from: {where} has the id {location_id!r}; ids are plain names without '/' or '\\'")
    if len(location_id) > MAX_ID_CHARS:
        raise UsageError(f"sample.from: {where} has an id of {len(location_id)} characters; at most {MAX_ID_CHARS}")


def require_place(lon_deg: float, lat_deg: float, where: str) -> None:
    """Refuse a place that is none on Earth, or where Sentinel-2 has no grid."""
    if not (-180.0 <= lon_deg <= 180.0 and -90.0 <= lat_deg <= 90.0):
        raise UsageError(f"sample.from: {where} is at lon {lon_deg:g}, lat {lat_deg:g}; degrees are -180..180, -90..90")
    if not LAT_RANGE_DEG[0] <= lat_deg <= LAT_RANGE_DEG[1]:
        raise UsageError(f"sample.from: {where} is at lat {lat_deg:g}; Sentinel-2 images -56..84, leave it out")


def location_of(row: ListRow) -> Location:
    """The location of a row: exactly its footprint where that is a patch on the 10 m grid, else around its centre."""
    lon, lat = centre_of(row.shape)
    require_place(lon, lat, row.where)
    grid = exact_grid(row.shape, row.epsgs or (utm_epsg(lon, lat),), row.where) or patch_grid(lon, lat)
    if not isinstance(row.shape, Point):
        lon, lat = centre_of(grid.footprint_lonlat())
    return Location(row.location_id, lon, lat, grid, row.dates)


def exact_grid(footprint: Any, epsgs: tuple[int, ...], where: str) -> PixelGrid | None:
    """The grid whose outline the footprint is, or None where it is no such square in any of the zones."""
    if footprint.geom_type != "Polygon":
        return None
    lon, lat = footprint.exterior.xy
    for epsg in epsgs:
        if not (32601 <= epsg <= 32660 or 32701 <= epsg <= 32760):
            raise UsageError(f"sample.from: {where} has tile_crs {epsg}; UTM zones are 32601..32660 and 32701..32760")
        x, y = transformer(4326, epsg).transform(lon, lat)
        left, bottom, right, top = min(x), min(y), max(x), max(y)
        snapped_left, snapped_top = round(left / PIXEL_M) * PIXEL_M, round(top / PIXEL_M) * PIXEL_M
        side = PATCH_PX * PIXEL_M
        misfit = (left - snapped_left, top - snapped_top, right - left - side, top - bottom - side)
        if max(abs(m) for m in misfit) <= _SNAP_M:
            return PixelGrid(epsg, snapped_left, snapped_top, PATCH_PX, PATCH_PX)
    return None


def parsed_date(value: Any, where: str, column: str) -> datetime:
    """A time from ISO 8601 text or a time stamp; one without a zone is in UTC. UsageError names the row and column."""
    try:
        moment = datetime.fromisoformat(str(value).strip())
    except ValueError as error:
        raise UsageError(
            f"sample.from: {where} has {column} {value!r}; it needs a date like 2021-06-21T10:30"
        ) from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
