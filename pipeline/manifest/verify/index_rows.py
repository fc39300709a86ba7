"""The index as columns that checks can count on: every column there, of its type, and nothing missing that says where.

A check that needs more than it finds here leaves it to the check of the index to tell what is wrong with it.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.manifest.index import SCHEMA
from pipeline.manifest.verify.finding import Check, Finding
from pipeline.manifest.verify.tree import INDEX, PublishedTree
from pipeline.parts import readable
from pipeline.schema.tiles import SPLITS

DOWNSTREAM: Final = "ignore"
"""The array that downstream stores have and a pretraining store has not."""

REQUIRED: Final = ("location_id", "season", "split", "store", "row", "epsg", "geotransform", "label_valid_frac")
"""Columns that hold something in every row."""

COEFFICIENTS: Final = 6
"""Of a geotransform."""


@dataclass(frozen=True, eq=False)
class IndexRows:
    """A well-formed index, a row a location and season."""

    frame: pd.DataFrame
    """Columns as in SCHEMA, numbered from 0."""
    affine: NDArray[np.float64]
    """(rows, 6): the geotransforms."""

    def where(self, at: int) -> str:
        """What a message calls an index row: 'manifest/index.parquet store/nol.zarr row 3 season 1, location 17'."""
        store, row, season, location = (values[at] for values in self._named)
        return f"{INDEX} {store} row {row} season {season}, location {location}"

    def finding(self, check: Check, at: int, what: str) -> Finding:
        """A finding about one index row."""
        store, row, *_ = (values[at] for values in self._named)
        return Finding(check, self.where(at), what, path=INDEX, store=store, row=row)

    @functools.cached_property
    def _named(self) -> tuple[list[Any], ...]:
        """What messages name, as lists: an index with nothing right in it has a finding a row."""
        return tuple(self.frame[name].tolist() for name in ("store", "row", "season", "location_id"))

    def findings(self, check: Check, wrong: Any, what: str, *columns: str) -> Iterator[Finding]:
        """A finding for every row where `wrong`, (rows,) booleans; `{column}` in `what` is the row's value."""
        found = np.flatnonzero(np.asarray(wrong, bool))
        if not len(found):
            return
        told = [self.frame[name].iloc[found].tolist() for name in columns]
        for at, *values in zip(found.tolist(), *told, strict=True):
            yield self.finding(check, at, what.format(**dict(zip(columns, values, strict=True))))

    @functools.cached_property
    def first_of_each(self) -> NDArray[np.int64]:
        """(places,): the first index row of every row of every store, in order of the index."""
        return np.flatnonzero(self.first_of_its_row == np.arange(len(self.frame))).astype(np.int64)

    @functools.cached_property
    def first_of_its_row(self) -> NDArray[np.int64]:
        """(rows,): the first index row of the same row of the same store."""
        row_of = self.frame.groupby(["store", "row"], sort=False).ngroup().to_numpy()
        _, first = np.unique(row_of, return_index=True)
        return np.asarray(first[row_of], np.int64)


_KNOWN: Final[WeakKeyDictionary[PublishedTree, IndexRows | None]] = WeakKeyDictionary()
"""What trees that are still open gave: several checks ask."""


def index_rows(tree: PublishedTree) -> IndexRows | None:
    """The index, or None where it could not be read or is not what it should be; see `form_findings`."""
    if tree not in _KNOWN:
        _KNOWN[tree] = _index_rows(tree.index)
    return _KNOWN[tree]


def _index_rows(frame: pd.DataFrame) -> IndexRows | None:
    if not set(SCHEMA.names) <= set(frame.columns) or frame[list(REQUIRED)].isna().any(axis=None):
        return None
    kinds = {"season": "i", "row": "i", "epsg": "i", "label_valid_frac": "f", "s2_datetime": "M", "s1_datetime": "M"}
    if any(frame[name].dtype.kind != kind for name, kind in kinds.items()):
        return None
    numbers = ("cloud_pct", "s1_relative_orbit")
    texts = [field.name for field in SCHEMA if pa.types.is_string(field.type)]
    if not all(pd.api.types.is_numeric_dtype(frame[name]) for name in numbers) or not _are_text(frame, texts):
        return None
    try:
        affine = np.array(frame["geotransform"].tolist(), np.float64).reshape(len(frame), COEFFICIENTS)
    except (TypeError, ValueError):
        return None
    return IndexRows(frame.reset_index(drop=True), affine) if np.isfinite(affine).all() else None


def form_findings(tree: PublishedTree) -> Iterator[Finding]:
    """What is wrong with the columns of the index, their types, and nulls among what every row must tell."""
    schema = pq.ParquetFile(readable(tree.root / INDEX)).schema_arrow
    if schema.names != SCHEMA.names:
        missing = [name for name in SCHEMA.names if name not in schema.names]
        unknown = [name for name in schema.names if name not in SCHEMA.names]
        told = [f"lacks the column {name}" for name in missing] + [f"has an unknown column {n}" for n in unknown]
        yield from (Finding("index", INDEX, what, path=INDEX) for what in told or ["columns are out of order"])
    for field in (field for field in SCHEMA if field.name in schema.names):
        found, expected = _type_name(schema.field(field.name).type), _type_name(field.type)
        if found != expected:
            yield Finding("index", f"{INDEX} {field.name}", f"holds {found}, expected {expected}", path=INDEX)
    for name in (name for name in REQUIRED if name in tree.index):
        nulls = np.flatnonzero(tree.index[name].isna().to_numpy())
        if len(nulls):
            what = f"null in {len(nulls)} rows, first in index row {nulls[0]}"
            yield Finding("index", f"{INDEX} {name}", what, path=INDEX)
    yield from _grid_form(tree.index)


def split_expected(store: str, downstream: bool) -> str:
    """The split of a store of that path: of downstream stores its name ends in it."""
    name = store.rpartition("/")[2].removesuffix(".zarr").rpartition("_")[2]
    return (name if name in SPLITS else " or ".join(SPLITS)) if downstream else "pretrain"


def _grid_form(frame: pd.DataFrame) -> Iterator[Finding]:
    if "geotransform" not in frame:
        return
    for at, value in enumerate(frame["geotransform"].tolist()):
        if value is not None and (np.shape(value) != (COEFFICIENTS,) or not np.isfinite(value).all()):
            what = f"{np.asarray(value).tolist()} in index row {at}, expected {COEFFICIENTS} numbers"
            yield Finding("index", f"{INDEX} geotransform", what, path=INDEX)


def _are_text(frame: pd.DataFrame, names: list[str]) -> bool:
    """Whether columns hold text; one that holds nothing at all may be of any type."""
    return all(pd.api.types.is_string_dtype(frame[name].dropna()) or frame[name].isna().all() for name in names)


def _type_name(kind: pa.DataType) -> str:
    """Arrow's name of a type, whichever of two widths its offsets have, and whatever its list's element is called."""
    kind = getattr(kind, "storage_type", kind)
    if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        return str(kind).removeprefix("large_")
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"list<{kind.value_type}>"
    return str(kind)
