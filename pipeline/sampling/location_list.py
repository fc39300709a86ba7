"""Locations from a list: CSV, SSL4EO-S12 v1.1's metadata, or any points or footprints."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pipeline.sampling.csv_list import read_csv
from pipeline.sampling.feature_list import feature_rows
from pipeline.sampling.features import read_features
from pipeline.sampling.id_list import choose, read_ids
from pipeline.sampling.list_row import ListRow, location_of, require_id
from pipeline.sampling.metadata_list import is_metadata, metadata_rows
from pipeline.sampling.neighbourhood import count_sharing
from pipeline.schema.errors import UsageError
from pipeline.schema.records import Location


def read_locations(
    path: Path, *, limit: int | None = None, ids: Path | None = None
) -> tuple[list[Location], list[str]]:
    """The locations of a list in the order of their ids, and what a user should know of them.

    `ids` is a file of ids to choose, `limit` takes the first of what is chosen. A footprint that is a 2.64 km square
    on the 10 m grid of its zone is taken to the pixel; any other gives the patch around its centre. Patches of a list
    may overlap, as SSL4EO-S12's do: they are kept and counted. Raises UsageError naming the file and the row.
    """
    rows = _read_rows(path)
    if not rows:
        raise UsageError(f"sample.from: {path} holds no locations; name a list with some")
    _require_ids(rows)
    notes = []
    if ids is not None:
        rows, note = choose(rows, read_ids(ids), path, ids)
        notes += [note] if note else []
    rows = sorted(rows, key=lambda row: row.location_id)[:limit]
    locations = [location_of(row) for row in rows]
    sharing = count_sharing(locations)
    if sharing:
        notes.append(f"{sharing} of the {len(locations)} patches of {path} share ground with another; all are kept")
    return locations, notes


def _read_rows(path: Path) -> list[ListRow]:
    if path.suffix.lower() == ".csv":
        return read_csv(path)
    features = read_features(path, "sample.from")
    return metadata_rows(features, path) if is_metadata(features.columns) else feature_rows(features, path)


def _require_ids(rows: Sequence[ListRow]) -> None:
    for row in rows:
        require_id(row.location_id, row.where)
    if len({row.location_id for row in rows}) == len(rows):
        return
    twice, times = Counter(row.location_id for row in rows).most_common(1)[0]
    places = [row.where for row in rows if row.location_id == twice]
    raise UsageError(
        f"sample.from: {places[1]} has the id {twice} again ({times} times, first in {places[0]}); keep one"
    )
