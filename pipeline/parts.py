"""Committed table parts: frozen records in Parquet, each part written at once."""

import dataclasses
import functools
import io
import types
import typing
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter

from pipeline.files import is_local, write_bytes
from pipeline.schema.errors import DamagedError
from pipeline.schema.paths import AnyPath

Record = TypeVar("Record")

DIGEST_KEY = b"noldo:inputs"
"""Parquet metadata key: digest of the inputs and parameters that made the part."""

UNREADABLE = (OSError, ValueError, pa.ArrowException)
"""What damaged Parquet files are refused with; names that are no UTF-8 and rows that are no records are ValueErrors."""

_SCALARS: dict[Any, pa.DataType] = {
    str: pa.string(),
    bytes: pa.binary(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    datetime: pa.timestamp("us", tz="UTC"),
}


def arrow_type(annotation: Any) -> pa.DataType:
    """The Arrow type of a record field's annotation."""
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if dataclasses.is_dataclass(annotation):
        return pa.struct(list(arrow_schema(annotation)))  # type: ignore[arg-type]
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return arrow_type(next(a for a in args if a is not types.NoneType))
    if origin is tuple:
        return pa.list_(arrow_type(args[0]))
    if origin is typing.Literal or (isinstance(annotation, type) and issubclass(annotation, StrEnum)):
        return pa.string()
    raise TypeError(f"no Arrow type for {annotation!r}")


@functools.cache
def arrow_schema(record: type) -> pa.Schema:
    """The Arrow schema of a frozen record."""
    hints = typing.get_type_hints(record)
    return pa.schema([(f.name, arrow_type(hints[f.name])) for f in dataclasses.fields(record)])


def write_part(path: AnyPath, record: type[Record], rows: Sequence[Record], inputs: str) -> None:
    """Commit `rows` at `path`; `inputs` is the digest of what they were made from."""
    write_columns(path, to_table(record, rows), inputs)


def write_columns(path: AnyPath, table: pa.Table, inputs: str) -> None:
    """Commit a table as `write_part` does, for rows that are no records in memory."""
    buffer = io.BytesIO()
    pq.write_table(
        table.replace_schema_metadata({DIGEST_KEY: inputs.encode()}),
        buffer,
        compression="zstd",
        write_page_checksum=True,
    )
    write_bytes(path, buffer.getvalue())


def to_table(record: type[Record], rows: Iterable[Record]) -> pa.Table:
    """Frozen records as an Arrow table, a column a field."""
    plain = [dataclasses.asdict(typing.cast(Any, row)) for row in rows]
    return pa.Table.from_pylist(plain, schema=arrow_schema(typing.cast(Any, record)))


def read_part(path: AnyPath, record: type[Record]) -> list[Record]:
    """The records of a committed part; DamagedError names a file that cannot be read.

    Only the columns that `record` has are read, so a narrower record of the same rows costs less.
    """
    columns = [field.name for field in dataclasses.fields(typing.cast(Any, record))]
    try:
        # One file, never a data set: folder names such as "run=3" are no columns.
        file = pq.ParquetFile(readable(path), page_checksum_verification=True)
        rows = file.read(columns=columns).to_pylist()
        return typing.cast(list[Record], _adapter(typing.cast(Any, record)).validate_python(rows))
    except UNREADABLE as error:
        raise _damaged(path, error) from error


def _damaged(path: AnyPath, error: Exception) -> DamagedError:
    return DamagedError(
        f"{path} cannot be read ({str(error).splitlines()[0]}); delete it and run the build again", path
    )


def read_columns(path: AnyPath, columns: Sequence[str] | None = None) -> pa.Table:
    """Columns of a committed part, by default all, for as many rows as no records could be held of.

    DamagedError names a file that cannot be read or lacks one of them.
    """
    wanted = None if columns is None else list(columns)
    try:
        file = pq.ParquetFile(readable(path), page_checksum_verification=True)
        table = file.read(columns=wanted, use_threads=False)  # a part is read sooner than threads are woken
        return table.select(wanted or table.column_names).replace_schema_metadata()
    except (*UNREADABLE, KeyError) as error:
        raise _damaged(path, error) from error


def readable(path: AnyPath) -> Any:
    """What pyarrow reads a Parquet file from; one of object storage comes whole, in one request."""
    return path if is_local(path) else io.BytesIO(path.read_bytes())


@functools.cache
def _adapter(record: type) -> TypeAdapter[list[Any]]:
    return TypeAdapter(list[record])  # type: ignore[valid-type]


def part_inputs(path: AnyPath) -> str | None:
    """The inputs digest of a committed part, or None where there is none that can be read."""
    try:
        source = readable(path)
    except FileNotFoundError:
        return None
    try:
        metadata = pq.read_metadata(source).metadata
    except UNREADABLE:
        return None
    return None if metadata is None or DIGEST_KEY not in metadata else metadata[DIGEST_KEY].decode(errors="replace")


def part_rows(path: AnyPath) -> int:
    """How many records a committed part holds; DamagedError names a file that cannot be read."""
    try:
        rows: int = pq.read_metadata(readable(path)).num_rows
    except UNREADABLE as error:
        raise DamagedError(f"{path} cannot be read ({error}); delete it and run the build again", path) from error
    return rows
