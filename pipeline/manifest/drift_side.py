"""One side of a comparison of data sets: a run, its manifest, its index, or no more than a list of ids."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.files import is_file, is_local, on_disk, storage_reason
from pipeline.parts import readable
from pipeline.sampling.id_list import listed_scenes, read_ids, with_zeros
from pipeline.sampling.list_row import ID_COLUMNS
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath

ID: Final = "location_id"
SEASON: Final = "season"
SCENES: Final = {"S2": "s2_id", "S1": "s1_id", "DW": "dw_id"}
"""Columns with the ids of scenes, by sensor."""
PLACE: Final = ("store", "row", "epsg", "geotransform")
"""Columns that say where the pixels of a location lie, in the run and on the ground."""
FIGURES: Final = ("s2_datetime", "s1_datetime", "cloud_pct", "label_source", "label_valid_frac")
"""Columns that say more of a season of a location."""
COLUMNS: Final = (SEASON, "split", "processing_baseline", *SCENES.values(), *PLACE, *FIGURES)
"""What of an index is compared, as far as it is there."""

PARQUET: Final = (".parquet", ".geoparquet")


@dataclass(frozen=True, eq=False)
class Side:
    """One data set, as far as it is known."""

    where: str
    """Its path, for messages."""
    index: pd.DataFrame
    """A row a location and season: ID, and those of COLUMNS that are known; SEASON is always there."""
    root: AnyPath | None
    """The run directory whose stores the index names; None where there is none."""
    manifest: AnyPath | None = None
    """The folder of the index, which may hold a provenance and digests; None where there is no index."""

    @property
    def ids(self) -> "pd.Index[str]":
        """The locations' ids, each once, in the index's order."""
        found: pd.Index[str] = pd.Index(self.index[ID].unique())
        return found

    def has(self, *columns: str) -> bool:
        """Whether all of these columns are known."""
        return set(columns) <= set(self.index.columns)


def open_side(path: AnyPath) -> Side:
    """The data set at a path: a run directory, a manifest folder, an index in Parquet, or a list of ids.

    Ids may be text with one a line, a CSV file or a Parquet table with a column location_id, sample_id or id; numbers
    get the zeros that SSL4EO-S12's ids begin with. Raises UsageError where there is nothing of the kind, NoldoError
    where an index names a location and season twice.
    """
    if is_file(RunLayout(path).index):
        return _from_table(path, RunLayout(path).index, path)
    if is_file(path / "index.parquet"):
        return _from_table(path, path / "index.parquet", path.parent)
    if path.is_dir():
        raise UsageError(f"{path} holds neither manifest/index.parquet nor index.parquet; name a run or a list of ids")
    if not is_file(path):
        raise UsageError(f"{path} is not there; name a run directory, a manifest or a list of ids")
    if path.suffix.lower() in PARQUET:
        return _from_table(path, path, path.parent.parent)
    return Side(str(path), pd.DataFrame({ID: _ids_of(on_disk(path, "reading a list of ids")), SEASON: 0}), None)


def _ids_of(path: Path) -> list[str]:
    """The ids of a list, also of one of id,scene,scene,scene,scene that names no column."""
    try:
        return list(dict.fromkeys(map(with_zeros, read_ids(path))))
    except UsageError as error:
        if ids := list(listed_scenes(path.read_bytes())):
            return ids
        raise UsageError(str(error).removeprefix("sample.ids: ")) from error


def _from_table(where: AnyPath, path: AnyPath, root: AnyPath) -> Side:
    try:
        file = pq.ParquetFile(readable(path))
        names = file.schema_arrow.names
        column = next((name for name in (ID, *ID_COLUMNS) if name in names), None)
        if column is None:
            known = ", ".join(dict.fromkeys((ID, *ID_COLUMNS)))
            raise UsageError(f"{path} has none of the columns {known}; give the column of ids one of these names")
        table = file.read(columns=[column, *(name for name in COLUMNS if name in names)])
    except (OSError, pa.ArrowException) as error:
        raise UsageError(
            f"{path} cannot be read as Parquet ({storage_reason(error)}); restore it from a copy"
        ) from error
    index = table.to_pandas().rename(columns={column: ID}).astype({ID: str})
    index[ID] = index[ID].map(with_zeros)
    if SEASON not in index:
        index = index.drop_duplicates(ID).assign(**{SEASON: 0})
    twice = index[index.duplicated([ID, SEASON])]
    if len(twice):
        first = twice.iloc[0]
        raise NoldoError(
            f"{path} has {first[ID]}, season {first[SEASON]}, twice; write it again with noldo manifest write"
        )
    stores = set(PLACE) <= set(index.columns) and (not is_local(root) or (root / "store").is_dir())
    return Side(str(where), index, root if stores else None, path.parent)
