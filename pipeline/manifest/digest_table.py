"""Digests of every row of every array, in digests.parquet: the leaves of the content digest (pipeline/content.py)."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.content import PREFIX, array_digest
from pipeline.files import write_bytes
from pipeline.parts import UNREADABLE, readable
from pipeline.schema.errors import DamagedError
from pipeline.schema.paths import AnyPath

DIGESTS_FILE: Final = "digests.parquet"
"""In the manifest."""

DIGEST_BYTES: Final = 32
"""Of SHA-256."""

SCHEMA: Final = pa.schema(
    [
        pa.field("store", pa.string(), nullable=False),
        pa.field("array", pa.string(), nullable=False),
        pa.field("shard", pa.int32(), nullable=False),
        pa.field("row", pa.int32(), nullable=False),
        pa.field("digest", pa.binary(DIGEST_BYTES), nullable=False),
    ]
)

ROW_GROUP: Final = 2**17

SEPARATOR: Final = "\n"
"""What no name of a store or an array holds."""


@dataclass(frozen=True)
class ArrayDigests:
    """The digests of one array's rows."""

    store: str
    """Path of the store relative to the folder that holds manifest/ and store/, for example store/nol.zarr."""
    array: str
    digest: NDArray[np.uint8]
    """(rows, 32): SHA-256 of every decoded row, in order."""
    shard: NDArray[np.int32]
    """(rows,): which shard file holds the row."""

    @classmethod
    def of(cls, store: str, array: str, digests: Sequence[str], shard_rows: int) -> "ArrayDigests":
        """From digests as pipeline/content.row_digest writes them, 'sha256:...', of all rows in order."""
        packed = bytes.fromhex("".join(digest.removeprefix(PREFIX) for digest in digests))
        rows = np.frombuffer(packed, np.uint8).reshape(len(digests), DIGEST_BYTES)
        return cls(store, array, rows, (np.arange(len(digests)) // shard_rows).astype(np.int32))

    def row(self, row: int) -> str:
        """The digest of one row, as pipeline/content.row_digest writes it."""
        value: bytes = self.digest[row].tobytes()
        return PREFIX + value.hex()

    def array_digest(self, dtype: str, row_shape: Sequence[int]) -> str:
        """The digest of the array; `dtype` is NumPy's name, `row_shape` the shape of one row."""
        return array_digest(dtype, row_shape, (row.tobytes().hex() for row in self.digest))


@dataclass(frozen=True)
class DigestTable:
    """All of digests.parquet."""

    arrays: tuple[ArrayDigests, ...]
    """In order of store and array."""
    problems: tuple[str, ...] = ()
    """Plain lines about rows that are missing, come twice or are out of order; a missing one's digest is zeros."""

    @property
    def stores(self) -> tuple[str, ...]:
        """Paths of the stores, each once."""
        return tuple(dict.fromkeys(one.store for one in self.arrays))

    def of(self, store: str, array: str) -> ArrayDigests | None:
        """The rows of one array, or None where the table has none of it."""
        return next((one for one in self.arrays if (one.store, one.array) == (store, array)), None)

    def array_digests(self, shapes: Mapping[str, Mapping[str, tuple[str, Sequence[int]]]]) -> dict[str, dict[str, str]]:
        """The digest of every array by store and array, from its rows: what the Merkle tree goes on with.

        `shapes` gives each array's (NumPy's name of its type, shape of one row) by store and array; arrays that it does
        not name are left out.
        """
        found: dict[str, dict[str, str]] = {store: {} for store in self.stores if store in shapes}
        for one in self.arrays:
            known = shapes.get(one.store, {}).get(one.array)
            if known is not None:
                found[one.store][one.array] = one.array_digest(*known)
        return found


def write_digests(path: AnyPath, arrays: Iterable[ArrayDigests]) -> None:
    """Write the table, in order of store, array and row; the same digests make the same bytes."""
    buffer = io.BytesIO()
    # Digests do not compress, and no two are likely to be equal.
    with pq.ParquetWriter(
        buffer, SCHEMA, compression={"digest": "none", **dict.fromkeys(SCHEMA.names[:-1], "zstd")},
        use_dictionary=["store", "array"], write_page_checksum=True,
    ) as writer:  # fmt: skip
        for one in sorted(arrays, key=lambda a: (a.store, a.array)):
            writer.write_table(_table(one), row_group_size=ROW_GROUP)
    write_bytes(path, buffer.getvalue())


def _table(one: ArrayDigests) -> pa.Table:
    rows = len(one.digest)
    data = pa.py_buffer(np.ascontiguousarray(one.digest).tobytes())
    columns = [
        pa.repeat(one.store, rows),
        pa.repeat(one.array, rows),
        pa.array(one.shard, pa.int32()),
        pa.array(np.arange(rows, dtype=np.int32)),
        pa.Array.from_buffers(pa.binary(DIGEST_BYTES), rows, [None, data]),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def read_digests(path: AnyPath) -> DigestTable:
    """Read the table; DamagedError where it cannot be read or is none.

    Rows that are missing or too many do not raise: `problems` tells of them.
    """
    try:
        file = pq.ParquetFile(readable(path), page_checksum_verification=True)
        table = file.read(columns=SCHEMA.names).combine_chunks().cast(SCHEMA)
    except UNREADABLE as error:
        reason = str(error).splitlines()[0]
        raise DamagedError(
            f"{path} cannot be read ({reason}); restore it from a copy, or run noldo manifest write DIR",
            path,
        ) from error
    keys = pc.binary_join_element_wise(table["store"], table["array"], SEPARATOR).combine_chunks().dictionary_encode()
    named = [(store, array) for store, _, array in (key.partition(SEPARATOR) for key in keys.dictionary.to_pylist())]
    at = keys.indices.to_numpy()
    problems = []
    if named != sorted(named) or (np.diff(at) < 0).any():
        problems.append("rows are not in order of store and array")
    arrays = []
    for index in sorted(range(len(named)), key=named.__getitem__):
        one, wrong = _array(*named[index], table.take(np.flatnonzero(at == index)))
        arrays.append(one)
        problems += wrong
    return DigestTable(tuple(arrays), tuple(problems))


def _array(store: str, array: str, table: pa.Table) -> tuple[ArrayDigests, list[str]]:
    row = table["row"].to_numpy()
    shard = table["shard"].to_numpy()
    digest = np.frombuffer(_bytes(table["digest"].combine_chunks()), np.uint8).reshape(len(row), DIGEST_BYTES)
    where = f"{store} {array}"
    if np.array_equal(row, np.arange(len(row))):
        # Zeros stand for a digest that is missing, so that nothing would be held against them.
        none = np.flatnonzero(~digest.any(axis=1))
        return ArrayDigests(store, array, digest, shard), [f"{where} row {at}: no digest but zeros" for at in none]
    return _put_in_order(where, ArrayDigests(store, array, digest, shard), row)


def _bytes(column: Any) -> bytes:
    values: memoryview = memoryview(column.buffers()[1])
    start = column.offset * DIGEST_BYTES
    return bytes(values[start : start + len(column) * DIGEST_BYTES])


def _put_in_order(where: str, found: ArrayDigests, row: NDArray[np.int32]) -> tuple[ArrayDigests, list[str]]:
    """The rows by their numbers, and what was wrong with these; numbers far beyond the rows' count are left out."""
    count = max(1, 2 * len(row))
    usable = (row >= 0) & (row < count)
    times = np.bincount(row[usable], minlength=int(row[usable].max(initial=-1)) + 1)
    problems = [f"{where} row {at}: no digest" for at in np.flatnonzero(times == 0)]
    problems += [f"{where} row {at}: {times[at]} digests" for at in np.flatnonzero(times > 1)]
    problems += [f"{where} row {at}: no such row" for at in row[~usable]]
    if not problems:
        problems.append(f"{where}: rows are not in order")
    digest, shard = np.zeros((len(times), DIGEST_BYTES), np.uint8), np.zeros(len(times), np.int32)
    digest[row[usable]], shard[row[usable]] = found.digest[usable], found.shard[usable]
    return ArrayDigests(found.store, found.array, digest, shard), problems
