"""The index of a data set as its readers need it: rows of a store, without the outlines."""

from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow.parquet as pq

from pipeline.files import open_path
from pipeline.parts import UNREADABLE, readable
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath

KEYS: Final = ("location_id", "season", "store", "row")
"""Columns that say what a row of the index describes."""

PLACE_COLUMNS: Final = ("split", "epsg", "geotransform")
"""Columns that are the same in all seasons of a location."""

SCENE_COLUMNS: Final = (
    "s2_id", "s1_id", "dw_id", "s2_datetime", "s1_datetime", "processing_baseline", "s2_tile", "s1_orbit_pass",
    "s1_relative_orbit", "cloud_pct", "label_source", "label_valid_frac",
)  # fmt: skip
"""Columns that a season of a location has."""


def folder_of(root: str | AnyPath) -> AnyPath:
    """The folder of a data set as a user names it; UsageError where that cannot be one."""
    return open_path(root) if isinstance(root, str | Path) else root


def read_index(root: AnyPath, location_id: str | None = None) -> pd.DataFrame:
    """The columns named above, of all rows or of one location's; times in UTC, without a zone.

    Raises UsageError where `root` has no index, NoldoError where it cannot be read.
    """
    path = RunLayout(root).index
    wanted = None if location_id is None else [("location_id", "==", location_id)]
    try:
        table = pq.read_table(readable(path), columns=[*KEYS, *PLACE_COLUMNS, *SCENE_COLUMNS], filters=wanted)
    except FileNotFoundError:
        raise UsageError(f"{path} is not there; give the folder that holds manifest and store") from None
    except UNREADABLE as error:
        raise NoldoError(f"{path} cannot be read ({error}); copy it again, or run the build again") from error
    frame: pd.DataFrame = table.to_pandas()
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.DatetimeTZDtype):
            frame[name] = frame[name].dt.tz_convert("UTC").dt.tz_localize(None)
        elif (frame[name].dtype == object and name != "geotransform") or isinstance(frame[name].dtype, pd.StringDtype):
            frame[name] = frame[name].fillna("").astype(object)
    return frame


def one_store(root: AnyPath, index: pd.DataFrame, store: str | None) -> str:
    """The path of the store that is meant, as the index has it; `store` is that path, or the store's name.

    Raises UsageError where there is none of that name, or none is named and there are several.
    """
    paths: list[str] = sorted(index["store"].unique())
    matching = [path for path in paths if store in (None, path, _name(path), f"{_name(path)}.zarr")]
    if len(matching) == 1:
        return matching[0]
    found = "several stores" if store is None else f"no store '{store}'"
    raise UsageError(f"{root} has {found}; name one of {', '.join(map(_name, paths))}")


def _name(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".zarr")
