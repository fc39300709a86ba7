"""Shards of many makes: nothing is found in what was written, and every changed byte is."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, ZstdCodec

from pipeline.content import row_digest
from pipeline.manifest.digest_table import ArrayDigests, DigestTable
from pipeline.manifest.verify import bounds, shard_file
from pipeline.manifest.verify.expected import ExpectedRows
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.other_layout import blocks, check_block
from pipeline.manifest.verify.rows_under_way import OUTSIDE
from pipeline.manifest.verify.shard_check import check_file, check_shards
from pipeline.manifest.verify.shard_file import Memory
from pipeline.manifest.verify.shard_job import ShardJob
from pipeline.manifest.verify.shard_layout import shard_layout
from pipeline.manifest.verify.tree import PublishedTree
from pipeline.schema.crc32c import crc32c

STORE = "store/made.zarr"
LZ4 = BloscCodec(cname="lz4", clevel=5, shuffle="noshuffle")
COMPRESSORS: dict[str, list[Any]] = {
    "lz4": [LZ4],
    "lz4hc": [BloscCodec(cname="lz4hc", clevel=5, shuffle="bitshuffle")],
    "zstd of blosc": [BloscCodec(cname="zstd", clevel=1, shuffle="shuffle")],
    "zstd": [ZstdCodec(level=1)],
    "gzip": [GzipCodec(level=1)],
    "none": [],
}
SHAPES = [((5, 4, 3, 16, 8), (1, 1, 3, 16, 8)), ((5, 4, 8, 8), (1, 4, 8, 8)), ((5, 7), (1, 7)), ((5,), (1,))]


def write(
    root: Path,
    values: NDArray[Any],
    chunk: tuple[int, ...],
    compressors: list[Any],
    *,
    shard_rows: int | None = 2,
    serializer: Any = "auto",
    **more: Any,
) -> Any:
    group = zarr.open_group(root / STORE, mode="a", zarr_format=3)
    array = group.create_array(
        "a",
        shape=values.shape,
        chunks=chunk,
        shards=None if shard_rows is None else (shard_rows, *values.shape[1:]),
        dtype=values.dtype,
        compressors=compressors or None,
        serializer=serializer,
        filters=None,
        fill_value=3,
        overwrite=True,
        **more,
    )
    array[:] = values
    return array


def expected(root: Path, values: NDArray[Any]) -> ExpectedRows:
    digests = ArrayDigests.of(STORE, "a", [row_digest(row) for row in values], 2)
    tree = PublishedTree(root, {}, {}, {}, pd.DataFrame(), DigestTable((digests,)), {})
    return ExpectedRows(tree, STORE, "a", digests, None, None)


def check(root: Path, array: Any, values: NDArray[Any], sha256: dict[int, str] | None = None) -> list[Finding]:
    layout = shard_layout(array)
    assert layout is not None
    rows, memory = expected(root, values), Memory()
    found: list[Finding] = []
    for shard in range(layout.shards):
        job = ShardJob(rows, layout, shard, None if sha256 is None else sha256[shard])
        (done,) = check_shards(root, [job], [memory], lambda _: None)
        assert not isinstance(done, Exception)
        found += done.findings
        lost = any(finding.where.endswith(" index") for finding in done.findings)
        assert done.rows == (0 if lost else len(layout.rows_of(shard)))
        assert done.bytes == (root / job.path).stat().st_size
    return found


def drawn(shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    values = np.random.default_rng(0).integers(0, 9, shape).astype(dtype)
    values[1] = 3  # the fill value: a foreign writer leaves such chunks out
    return values


@pytest.mark.parametrize("checksums", [True, False])
@pytest.mark.parametrize("name", list(COMPRESSORS))
def test_nothing_is_found_in_what_was_written(tmp_path: Path, name: str, checksums: bool) -> None:
    for shape, chunk in SHAPES:
        for dtype in ("uint8", "float32"):
            values = drawn(shape, dtype)
            codecs = COMPRESSORS[name] + ([Crc32cCodec()] if checksums else [])
            array = write(tmp_path, values, chunk, codecs)
            assert check(tmp_path, array, values) == []
            values[4] += 1
            (finding,) = check(tmp_path, array, values)
            assert (finding.check, finding.row, finding.path) == ("content", 4, f"{STORE}/a/{array_file(shape, 2)}")


def array_file(shape: tuple[int, ...], shard: int) -> str:
    return "/".join(["c", str(shard), *"0" * (len(shape) - 1)])


def test_whatever_the_size_of_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).integers(0, 9, (9, 4, 3, 8, 8)).astype("uint8")
    array = write(tmp_path, values, (1, 1, 3, 8, 8), [LZ4, Crc32cCodec()], shard_rows=8)
    sums = {shard: sha256_of(tmp_path / STORE / "a" / array_file(values.shape, shard)) for shard in (0, 1)}
    for size in (1, 500, 4000, 10**6):
        monkeypatch.setattr(shard_file, "BATCH_BYTES", size)
        assert check(tmp_path, array, values, sums) == []
        (finding,) = check(tmp_path, array, values, sums | {1: "0" * 64})
        assert finding.check == "checksums"


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@settings(deadline=None, max_examples=40)
@given(place=st.integers(0, 10**9), bit=st.integers(0, 7), known=st.booleans())
def test_every_flipped_bit_is_found_in_its_row(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int, known: bool
) -> None:
    root = tmp_path_factory.mktemp("flip")
    values = np.random.default_rng(2).integers(0, 200, (4, 2, 5, 6)).astype("uint8")
    array = write(root, values, (1, 1, 5, 6), [LZ4, Crc32cCodec()], shard_rows=4)
    path = root / STORE / "a" / array_file(values.shape, 0)
    data, sums = bytearray(path.read_bytes()), {0: sha256_of(path)}
    at = place % len(data)
    data[at] ^= 1 << bit
    path.write_bytes(data)
    found = check(root, array, values, sums if known else None)
    assert {"checksums"} <= {finding.check for finding in found} or not known
    layout = shard_layout(array)
    assert layout is not None
    of_index = at >= len(data) - layout.index_bytes - 4
    damaged = {finding.row for finding in found if finding.check == "crc32c"}
    lost = {finding.row for finding in found if finding.check == "content"}
    assert (damaged, lost) == (({None}, {0, 1, 2, 3}) if of_index else (damaged, damaged))
    assert len(damaged) == 1


def test_a_file_that_is_cut_short_or_is_longer(tmp_path: Path) -> None:
    values = drawn((2, 4, 8, 8), "uint8")
    array = write(tmp_path, values, (1, 4, 8, 8), [LZ4, Crc32cCodec()])
    path = tmp_path / STORE / "a" / array_file(values.shape, 0)
    whole = path.read_bytes()
    sums = {0: sha256_of(path)}
    for data in (b"", whole[:10], whole[:-1], whole + b"x"):
        path.write_bytes(data)
        found = check(tmp_path, array, values, sums)
        assert [finding.check for finding in found] == ["crc32c", "content", "content", "checksums"]


@pytest.mark.parametrize("entry", [(2**63, 2**63 + 17), (0, 10**5), (5, 2**64 - 2)])
def test_a_chunk_that_an_index_puts_outside_the_file(tmp_path: Path, entry: tuple[int, int]) -> None:
    values = np.random.default_rng(2).integers(0, 200, (2, 2, 5, 6)).astype("uint8")
    array = write(tmp_path, values, (1, 1, 5, 6), [LZ4, Crc32cCodec()])
    path = tmp_path / STORE / "a" / array_file(values.shape, 0)
    data = np.frombuffer(path.read_bytes(), np.uint8).copy()
    data[-4 - 16 : -4].view("<u8")[:] = entry
    data[-4:].view("<u4")[:] = crc32c(data[-4 - 64 : -4])
    path.write_bytes(data.tobytes())
    damaged, lost = check(tmp_path, array, values)
    assert (damaged.check, damaged.row, damaged.what) == ("crc32c", 1, OUTSIDE)
    assert (lost.check, lost.row) == ("content", 1)


def laid_out(path: Path, chunks: list[bytes], order: list[tuple[int, int]], end: int) -> None:
    """Write a shard of these stored chunks, of which (offset, which) says where; its index begins at `end`."""
    with path.open("wb") as file:
        for offset, which in order:
            file.seek(offset)
            file.write(chunks[which])
        index = b"".join(np.array([offset, len(chunks[which])], "<u8").tobytes() for offset, which in order)
        file.seek(end)
        file.write(index + np.array([crc32c(np.frombuffer(index, np.uint8))], "<u4").tobytes())


def stored_chunks(root: Path, array: Any, path: Path) -> list[bytes]:
    """Of a shard as it was written, in order of the index."""
    layout = shard_layout(array)
    assert layout is not None
    data = path.read_bytes()
    entries = np.frombuffer(data[-4 - layout.index_bytes : -4], "<u8").reshape(-1, 2).tolist()
    return [data[start : start + size] for start, size in entries]


@pytest.mark.parametrize(("hole", "listed"), [(2**34, False), (2**24 + 5, True)])
def test_bytes_that_belong_to_no_chunk_are_not_held(tmp_path: Path, hole: int, listed: bool) -> None:
    values = np.random.default_rng(2).integers(0, 200, (2, 2, 5, 6)).astype("uint8")
    array = write(tmp_path, values, (1, 1, 5, 6), [LZ4, Crc32cCodec()])
    path = tmp_path / STORE / "a" / array_file(values.shape, 0)
    laid_out(path, stored_chunks(tmp_path, array, path), [(at * hole, at) for at in range(4)], 4 * hole)  # sparse
    layout, memory = shard_layout(array), Memory()
    assert layout is not None
    job = ShardJob(expected(tmp_path, values), layout, 0, sha256_of(path) if listed else None)
    (done,) = check_shards(tmp_path, [job], [memory], lambda _: None)
    assert not isinstance(done, Exception)
    assert (done.findings, done.rows, done.bytes) == ([], 2, path.stat().st_size)
    assert len(memory.get("stored", 0).base) < 10**7  # type: ignore[arg-type]


def test_no_more_rows_are_held_than_a_writer_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(2).integers(0, 200, (16, 2, 5, 6)).astype("uint8")
    array = write(tmp_path, values, (1, 1, 5, 6), [LZ4, Crc32cCodec()], shard_rows=16)
    path = tmp_path / STORE / "a" / array_file(values.shape, 0)
    monkeypatch.setattr(shard_file, "BATCH_BYTES", 1)
    chunks = stored_chunks(tmp_path, array, path)
    by_row = [(100 * at, at) for at in range(32)]
    laid_out(path, chunks, by_row, 3200)
    assert check(tmp_path, array, values, {0: sha256_of(path)}) == []
    laid_out(path, chunks, [(100 * (at // 2 + 16 * (at % 2)), at) for at in range(32)], 3200)
    assert check(tmp_path, array, values, {0: sha256_of(path)}) == []
    monkeypatch.setattr(bounds, "HELD_BYTES", 0)
    lost = check_rows(tmp_path, array, values, {0: sha256_of(path)})
    assert [(one.check, one.row) for one in lost] == [("content", row) for row in range(16)]
    assert "more than 4 rows would have to be held" in lost[0].what
    laid_out(path, chunks, by_row, 3200)
    assert check(tmp_path, array, values, {0: sha256_of(path)}) == []
    nothing = np.full((16, 2), 2**64 - 1, "<u8").repeat(2, 0).tobytes()
    path.write_bytes(nothing + np.array([crc32c(np.frombuffer(nothing, np.uint8))], "<u4").tobytes())
    assert check(tmp_path, array, np.full_like(values, 3), {0: sha256_of(path)}) == []


def check_rows(root: Path, array: Any, values: NDArray[Any], sha256: dict[int, str]) -> list[Finding]:
    layout = shard_layout(array)
    assert layout is not None
    (done,) = check_shards(root, [ShardJob(expected(root, values), layout, 0, sha256[0])], [Memory()], lambda _: None)
    assert not isinstance(done, Exception)
    return done.findings


def test_a_row_that_holds_what_another_should(tmp_path: Path) -> None:
    values = np.random.default_rng(2).integers(0, 200, (4, 6)).astype("uint8")
    array = write(tmp_path, values[[0, 2, 1, 3]], (1, 6), [LZ4, Crc32cCodec()])
    first, second = check(tmp_path, array, values)
    assert (first.row, second.row) == (1, 2)
    assert first.what.endswith("holds what was published as row 2")
    assert second.what.endswith("holds what was published as row 1")


@pytest.mark.parametrize(
    "more",
    [
        {"shard_rows": None},
        {"chunk": (2, 4, 8, 8)},
        {"chunk": (1, 4, 4, 4)},
        {"serializer": BytesCodec(endian="big")},
        {"chunk_key_encoding": {"name": "v2", "separator": "."}},
    ],
)
def test_any_other_make_is_read_by_zarr(tmp_path: Path, more: dict[str, Any]) -> None:
    values = drawn((5, 4, 8, 8), "uint16")
    chunk = more.pop("chunk", (1, 4, 8, 8))
    array = write(tmp_path, values, chunk, [ZstdCodec(level=1), Crc32cCodec()], **more)
    assert shard_layout(array) is None
    rows = expected(tmp_path, values)
    assert [finding for job in blocks(rows, array) for finding in check_block(job).findings] == []
    values[3] += 1
    rows = expected(tmp_path, values)
    (finding,) = [finding for job in blocks(rows, array) for finding in check_block(job).findings]
    assert (finding.check, finding.row) == ("content", 3)
    names = {path for path in (tmp_path / STORE / "a").rglob("*") if path.is_file()}
    data_file = min(path for path in names if path.name != "zarr.json")
    data = bytearray(data_file.read_bytes())
    data[5] ^= 1
    data_file.write_bytes(data)
    found = [finding for job in blocks(rows, array) for finding in check_block(job).findings]
    assert {"crc32c"} <= {finding.check for finding in found}


def test_a_file_of_which_only_the_checksum_is_known(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(bytes(10**7))
    memory = Memory()
    digest = sha256_of(tmp_path / "x")
    done = check_file(tmp_path / "x", "x", digest, memory, lambda _: None)
    assert (done.findings, done.bytes) == ([], 10**7)
    (finding,) = check_file(tmp_path / "x", "x", "0" * 64, memory, lambda _: None).findings
    assert finding.what == f"SHA-256 {digest[:12]}..., listed 000000000000..."
