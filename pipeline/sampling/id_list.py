"""Lists of ids, such as the published NoLDO-S12's, that choose from a list of locations."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from pipeline.sampling.csv_list import read_lines
from pipeline.sampling.list_row import ID_COLUMNS, ListRow
from pipeline.schema.errors import UsageError
from pipeline.schema.records import ID_DIGITS, N_SEASONS


def read_ids(path: Path) -> list[str]:
    """The ids of a file, each once, in its order: one a line, or the id column of a CSV file with a header."""
    lines = list(read_lines(path, "sample.ids"))
    if not lines:
        raise UsageError(f"sample.ids: {path} holds no ids; it needs one a line")
    header = [name.strip().lower() for name in lines[0][1]]
    column = next((header.index(name) for name in ID_COLUMNS if name in header), None)
    if column is not None:
        return _column(lines[1:], column)
    many = next((where for where, fields in lines if len(fields) > 1), None)
    if many is not None:
        raise UsageError(f"sample.ids: {many} has several fields; name the column of the ids in a header: id")
    return _column(lines, 0)


def _column(lines: Iterable[tuple[str, list[str]]], column: int) -> list[str]:
    found: dict[str, None] = {}
    for where, fields in lines:
        if len(fields) <= column or not fields[column].strip():
            raise UsageError(f"sample.ids: {where} has no id; add it, or remove the line")
        found[fields[column].strip()] = None
    return list(found)


def listed_scenes(data: bytes) -> dict[str, tuple[str, ...]]:
    """Of a list of ids, each with its four scenes in the fields after it, the scenes by id; other lines say nothing."""
    found = {}
    for row in csv.reader(io.StringIO(data.decode(errors="replace"))):
        fields = [field.strip() for field in row]
        for at in range(len(fields) - N_SEASONS):
            scenes = tuple(fields[at + 1 : at + 1 + N_SEASONS])
            if fields[at].isdecimal() and not any(scene.isdecimal() or not scene for scene in scenes):
                found[with_zeros(fields[at])] = scenes
                break
    return found


def with_zeros(location_id: str) -> str:
    """The id as SSL4EO-S12's folders have it, where a list wrote it as a number."""
    return location_id.zfill(ID_DIGITS) if location_id.isdecimal() else location_id


def choose(rows: Sequence[ListRow], ids: Sequence[str], listed: Path, wanted: Path) -> tuple[list[ListRow], str]:
    """The rows with these ids, and a word on the ids that the list has not; UsageError where it has none of them."""
    have = {row.location_id for row in rows}
    absent = [location_id for location_id in ids if location_id not in have]
    if len(absent) == len(ids):
        known = f"which has ids like {rows[0].location_id}" if rows else "which is empty"
        raise UsageError(f"sample.ids: none of the {len(ids)} ids in {wanted}, like {ids[0]}, is in {listed}, {known}")
    chosen = set(ids)
    found = [row for row in rows if row.location_id in chosen]
    if not absent:
        return found, ""
    return found, f"{len(absent)} of the {len(ids)} ids in {wanted} are not in {listed}, the first {absent[0]}"
