"""Lists of locations in CSV: lon, lat, and where they are there an id and four dates."""

import csv
from collections.abc import Iterator
from pathlib import Path

from shapely import Point

from pipeline.sampling.list_row import DATE_COLUMNS, ID_COLUMNS, ListRow, parsed_date
from pipeline.sampling.placing import numbered
from pipeline.schema.errors import UsageError

LON_COLUMNS, LAT_COLUMNS = ("lon", "longitude"), ("lat", "latitude")

Line = tuple[str, list[str]]
"""File and line for messages, and the line's fields."""


def read_csv(path: Path) -> list[ListRow]:
    """Read a list in CSV with a header; without an id column, ids number the rows from 0.

    Without a header, three columns are index, longitude and latitude, as in the list of sampled locations that
    SSL4EO-S12's download script reads; the index becomes the id, in seven digits as in its archives.
    """
    lines = read_lines(path, "sample.from")
    first = next(lines, None)
    if first is None:
        raise UsageError(f"sample.from: {path} is empty; it needs the columns lon and lat")
    if len(first[1]) == 3 and all(_is_number(field) for field in first[1]):
        return [_published_row(line) for line in (first, *lines)]
    header = [name.strip().lower() for name in first[1]]
    id_column, lon, lat = (_first(header, names) for names in (ID_COLUMNS, LON_COLUMNS, LAT_COLUMNS))
    if lon is None or lat is None:
        raise UsageError(f"sample.from: {path} lacks the columns lon and lat; it has {', '.join(header)}")
    dates = [header.index(name) for name in DATE_COLUMNS if name in header]
    if dates and len(dates) != len(DATE_COLUMNS):
        names = ", ".join(header[i] for i in dates)
        raise UsageError(f"sample.from: {path} has {names}; it needs all of {', '.join(DATE_COLUMNS)} or none")
    rows = []
    for number, (where, fields) in enumerate(lines):
        if len(fields) != len(header):
            raise UsageError(
                f"sample.from: {where} has {len(fields)} fields, the header has {len(header)}; correct that line"
            )
        times = tuple(parsed_date(fields[i], where, header[i]) for i in dates)
        location_id = numbered(number) if id_column is None else fields[id_column].strip()
        rows.append(ListRow(location_id, where, _point(fields[lon], fields[lat], where), (), times))
    return rows


def read_lines(path: Path, key: str) -> Iterator[Line]:
    """The lines of a CSV file that are not blank, each with its place; UsageError where it cannot be read."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            for fields in reader:
                if any(field.strip() for field in fields):
                    yield f"{path} line {reader.line_num}", fields
    except OSError as error:
        raise UsageError(f"{key}: cannot read {path}: {error.strerror}; correct the path") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{key}: {path} is no text in UTF-8 with comma-separated values ({error})") from error


def _published_row(line: Line) -> ListRow:
    where, fields = line
    if len(fields) != 3 or not fields[0].strip().isdigit():
        raise UsageError(f"sample.from: {where} is not index, longitude, latitude; add a header line to name columns")
    return ListRow(numbered(int(fields[0])), where, _point(fields[1], fields[2], where))


def _point(lon: str, lat: str, where: str) -> Point:
    if not (_is_number(lon) and _is_number(lat)):
        raise UsageError(f"sample.from: {where} has lon {lon!r}, lat {lat!r}; both must be numbers of degrees")
    return Point(float(lon), float(lat))


def _is_number(text: str) -> bool:
    try:
        return float(text) == float(text)
    except ValueError:
        return False


def _first(header: list[str], names: tuple[str, ...]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)
