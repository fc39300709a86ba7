"""The table of row digests: order, the tree above it, and what it says of rows that are missing or too many."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.content import array_digest, row_digest
from pipeline.manifest.digest_table import ArrayDigests, DigestTable, read_digests, write_digests
from pipeline.schema.errors import DamagedError

ROWS = np.arange(5 * 6, dtype=np.uint8).reshape(5, 2, 3)
DIGESTS = [row_digest(row) for row in ROWS]


def of(store: str, array: str) -> ArrayDigests:
    return ArrayDigests.of(store, array, DIGESTS, shard_rows=2)


def test_it_reads_back_what_was_written_in_order_of_store_and_array(tmp_path: Path) -> None:
    path = tmp_path / "digests.parquet"
    write_digests(path, [of("store/b.zarr", "s2"), of("store/b.zarr", "dw"), of("store/a.zarr", "s2")])
    read = read_digests(path)
    assert [(one.store, one.array) for one in read.arrays] == [
        ("store/a.zarr", "s2"),
        ("store/b.zarr", "dw"),
        ("store/b.zarr", "s2"),
    ]
    assert read.stores == ("store/a.zarr", "store/b.zarr")
    assert read.problems == ()
    one = read.of("store/b.zarr", "dw")
    assert one is not None
    assert [one.row(at) for at in range(5)] == DIGESTS
    assert one.shard.tolist() == [0, 0, 1, 1, 2]
    assert read.of("store/b.zarr", "s1") is None


def test_the_same_digests_make_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    arrays = [of("store/a.zarr", "s1"), of("store/a.zarr", "s2")]
    write_digests(tmp_path / "one", arrays)
    write_digests(tmp_path / "two", arrays[::-1])
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_the_digest_of_an_array_is_that_of_the_content(tmp_path: Path) -> None:
    write_digests(tmp_path / "d", [of("store/a.zarr", "s2"), of("store/a.zarr", "gone")])
    found = read_digests(tmp_path / "d").array_digests({"store/a.zarr": {"s2": ("uint8", (2, 3))}})
    assert found == {"store/a.zarr": {"s2": array_digest("uint8", (2, 3), DIGESTS)}}


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 7), max_size=12))
def test_rows_that_are_missing_or_come_twice_are_told_each(
    tmp_path_factory: pytest.TempPathFactory, rows: list[int]
) -> None:
    path = tmp_path_factory.mktemp("d") / "digests.parquet"
    write_digests(path, [ArrayDigests.of("store/a.zarr", "s2", [DIGESTS[0]] * len(rows), 2)])
    table = pq.read_table(path)
    pq.write_table(table.set_column(3, table.schema.field("row"), pa.array(rows, pa.int32())), path)
    read: DigestTable = read_digests(path)
    right = rows == list(range(len(rows)))
    assert bool(read.problems) is not right
    for row in range(max((row for row in rows if row < 2 * len(rows)), default=-1) + 1):
        told = [line for line in read.problems if line.startswith(f"store/a.zarr s2 row {row}:")]
        assert len(told) == (rows.count(row) != 1)


def test_zeros_are_no_digest(tmp_path: Path) -> None:
    write_digests(tmp_path / "d", [ArrayDigests.of("store/a.zarr", "s2", [DIGESTS[0], f"sha256:{'0' * 64}"], 2)])
    assert read_digests(tmp_path / "d").problems == ("store/a.zarr s2 row 1: no digest but zeros",)


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    path = tmp_path / "digests.parquet"
    write_digests(path, [of("store/a.zarr", "s2")])
    data = bytearray(path.read_bytes())
    data[60] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedError, match=r"digests\.parquet cannot be read"):
        read_digests(path)
    pq.write_table(pa.table({"row": [1]}), path)
    with pytest.raises(DamagedError, match=r"digests\.parquet cannot be read"):
        read_digests(path)
