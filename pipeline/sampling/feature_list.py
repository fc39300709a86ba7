"""Lists of locations as features: points, or footprints, one row a location."""

from pathlib import Path
from typing import Any

from pipeline.sampling.list_row import DATE_COLUMNS, ID_COLUMNS, ListRow, parsed_date
from pipeline.sampling.placing import numbered
from pipeline.schema.errors import UsageError


def feature_rows(rows: Any, path: Path) -> list[ListRow]:
    """Rows of a GeoDataFrame in degrees; without an id column, ids number the rows from 0."""
    id_column = next((name for name in ID_COLUMNS if name in rows.columns), None)
    ids = [numbered(i) for i in range(len(rows))] if id_column is None else id_texts(rows[id_column], path, id_column)
    places = [f"{path} row {i + 1}" for i in range(len(rows))]
    columns = [name for name in DATE_COLUMNS if name in rows.columns]
    if columns and len(columns) != len(DATE_COLUMNS):
        needed = ", ".join(DATE_COLUMNS)
        raise UsageError(f"sample.from: {path} has {', '.join(columns)}; it needs all of {needed} or none")
    if columns:
        values = zip(*(rows[name] for name in columns), strict=True)
        dates = [
            tuple(parsed_date(v, where, c) for v, c in zip(row, columns, strict=True))
            for row, where in zip(values, places, strict=True)
        ]
    else:
        dates = [()] * len(rows)
    return [
        ListRow(location_id, where, shape, (), times)
        for location_id, where, shape, times in zip(ids, places, rows.geometry, dates, strict=True)
    ]


def id_texts(column: Any, path: Path, name: str) -> list[str]:
    """Ids as text; a missing one, or one that is neither text nor a whole number, is refused."""
    texts = []
    for row, value in enumerate(column.tolist(), start=1):
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise UsageError(f"sample.from: {path} row {row} has {name} {value!r}; ids are text or whole numbers")
        texts.append(str(value))
    return texts
