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

YEARS: Final = (1900, 2100)
"""Of times that can be reckoned with; which of them a scene may have is another check's."""


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


@dataclass(frozen=True)
class _Form:
    rows: IndexRows | None
    findings: tuple[Finding, ...]


_KNOWN: Final[WeakKeyDictionary[PublishedTree, _Form]] = WeakKeyDictionary()
"""Of trees that are still open: several checks ask."""


def index_rows(tree: PublishedTree) -> IndexRows | None:
    """The index, or None where it could not be read or is not of its form; see `form_findings`."""
    return _form(tree).rows


def form_findings(tree: PublishedTree) -> Iterator[Finding]:
    """What is wrong with the columns of the index, their types, and the values that every row must tell."""
    yield from _form(tree).findings


def _form(tree: PublishedTree) -> _Form:
    if tree not in _KNOWN:
        readable_index = INDEX not in tree.unread
        findings = tuple(_wrong_form(tree)) if readable_index else ()
        _KNOWN[tree] = _Form(None if findings or not readable_index else _index_rows(tree.index), findings)
    return _KNOWN[tree]


def _index_rows(frame: pd.DataFrame) -> IndexRows:
    affine = np.array(frame["geotransform"].tolist(), np.float64).reshape(len(frame), COEFFICIENTS)
    return IndexRows(frame.reset_index(drop=True), affine)


def _wrong_form(tree: PublishedTree) -> Iterator[Finding]:
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
        else:
            yield from _wrong_values(field, tree.index[field.name])


def _wrong_values(field: pa.Field, column: pd.Series) -> Iterator[Finding]:
    """Nulls where something must stand, geotransforms of other than six numbers, and times out of all bounds."""
    where = f"{INDEX} {field.name}"
    nulls = np.flatnonzero(column.isna().to_numpy())
    if field.name in REQUIRED and len(nulls):
        yield Finding("index", where, f"null in {len(nulls)} rows, first in index row {nulls[0]}", path=INDEX)
    if field.name == "geotransform":
        for at, value in enumerate(column.tolist()):
            if value is not None and (np.shape(value) != (COEFFICIENTS,) or not np.isfinite(value).all()):
                what = f"{np.asarray(value).tolist()} in index row {at}, expected {COEFFICIENTS} numbers"
                yield Finding("index", where, what, path=INDEX)
    if pa.types.is_timestamp(field.type):
        years = column.dropna().dt.year
        if not years.between(*YEARS).all():
            what = f"years {years.min()} to {years.max()}, expected {YEARS[0]} to {YEARS[1]}"
            yield Finding("index", where, what, path=INDEX)


def split_expected(store: str, downstream: bool) -> str:
    """The split of a store of that path: of downstream stores its name ends in it."""
    name = store.rpartition("/")[2].removesuffix(".zarr").rpartition("_")[2]
    return (name if name in SPLITS else " or ".join(SPLITS)) if downstream else "pretrain"


def _type_name(kind: pa.DataType) -> str:
    """Arrow's name of a type, whichever of two widths its offsets have, and whatever its list's element is called."""
    kind = getattr(kind, "storage_type", kind)
    if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        return str(kind).removeprefix("large_")
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"list<{kind.value_type}>"
    return str(kind)
