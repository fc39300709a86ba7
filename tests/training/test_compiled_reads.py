"""Compiled reads decode what blosc and crc32c wrote, and own up to everything else."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import google_crc32c
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numcodecs import blosc
from numpy.typing import NDArray

from training import compiled_reads
from training.compiled_reads import read_compiled

STORED_AS_IS = 0x02


def with_checksum(chunk: bytes) -> bytes:
    return chunk + google_crc32c.value(chunk).to_bytes(4, "little")


def packed(values: NDArray[np.uint8]) -> bytes:
    return with_checksum(blosc.compress(values.tobytes(), b"lz4", 5, blosc.NOSHUFFLE))


def noise(seed: int, size: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, size=size, dtype=np.uint8)


@contextmanager
def in_a_file(path: Path, chunks: list[bytes]) -> Iterator[list[tuple[int, int, int]]]:
    """The chunks' extents in an open file, with other bytes between them."""
    path.write_bytes(b"".join(b"between" + chunk for chunk in chunks) + b"behind")
    file = os.open(path, os.O_RDONLY)
    ends = np.cumsum([7 + len(chunk) for chunk in chunks]).tolist()
    try:
        yield [(file, end - len(chunk), len(chunk)) for end, chunk in zip(ends, chunks, strict=True)]
    finally:
        os.close(file)


@pytest.mark.parametrize("size", [1, 15, 16, 17, 4096, 2**17 - 1, 2**17, 3 * 2**17 + 5])
def test_chunks_of_either_kind_are_decoded(tmp_path: Path, size: int) -> None:
    values = np.stack([noise(1, size), np.zeros(size, np.uint8), noise(2, size), np.arange(size).astype(np.uint8)])
    stored = [packed(each) for each in values]
    if size > 100:
        assert [bool(chunk[2] & STORED_AS_IS) for chunk in stored] == [True, False, True, False]
    target = np.full_like(values, 99)
    with in_a_file(tmp_path / "f", stored) as extents:
        assert list(read_compiled(extents, target)) == []
    np.testing.assert_array_equal(target, values)


@settings(max_examples=150, deadline=None)
@given(as_is=st.booleans(), at=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_any_flipped_bit_is_found(tmp_path_factory: pytest.TempPathFactory, as_is: bool, at: int, bit: int) -> None:
    values = noise(3, 300) if as_is else np.repeat(noise(4, 30), 10)
    whole = packed(values)
    assert bool(whole[2] & STORED_AS_IS) == as_is
    damaged = bytearray(whole)
    damaged[at % len(whole)] ^= 1 << bit
    target = np.empty((3, 300), np.uint8)
    with in_a_file(tmp_path_factory.mktemp("chunks") / "f", [whole, bytes(damaged), whole]) as extents:
        assert list(read_compiled(extents, target)) == [1]
    np.testing.assert_array_equal(target[[0, 2]], np.stack([values, values]))


@pytest.mark.parametrize("size", [0, 50, 299, 301, 10_000])
@pytest.mark.parametrize("as_is", [True, False])
def test_a_chunk_of_another_size_writes_nothing_beyond_its_part(tmp_path: Path, size: int, as_is: bool) -> None:
    strange = noise(5, size) if as_is else np.zeros(size, np.uint8)
    room = np.full((5, 300), 99, np.uint8)
    with in_a_file(tmp_path / "f", [packed(noise(6, 300)), packed(strange), packed(noise(7, 300))]) as extents:
        assert list(read_compiled(extents, room[1:4])) == [1]
    assert (room[[0, 4]] == 99).all()
    np.testing.assert_array_equal(room[[1, 3]], np.stack([noise(6, 300), noise(7, 300)]))


def test_what_is_no_chunk_is_not_decoded(tmp_path: Path) -> None:
    """The checksum fits in all of them."""
    good = packed(np.zeros(300, np.uint8))[:-4]
    longer = good[:12] + (len(good) + 1).to_bytes(4, "little") + good[16:]
    nonsense = good[:16] + bytes([0xFF]) * (len(good) - 16)
    strange = [with_checksum(chunk) for chunk in (b"", b"short", good[:15], longer, nonsense)]
    room = np.full((7, 300), 99, np.uint8)
    with in_a_file(tmp_path / "f", strange) as extents:
        assert list(read_compiled(extents, room[1:6])) == [0, 1, 2, 3, 4]
    assert (room[[0, 6]] == 99).all()


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with in_a_file(tmp_path / "f", [packed(noise(8, 100))]) as extents:
        file, start, size = extents[0]
        wanted = [(file, start, size), (10**6, start, size), (file, 10**9, size), (file, start + 20, size)]
        assert list(read_compiled(wanted, np.empty((4, 100), np.uint8))) == [1, 2, 3]
    assert list(read_compiled([], np.empty((0, 100), np.uint8))) == []


@pytest.mark.parametrize("name", ["_pread", "_extend", "_decompress"])
def test_without_the_functions_nothing_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert getattr(compiled_reads, name) is not None  # where the tests run, all are there
    monkeypatch.setattr(compiled_reads, name, None)
    with in_a_file(tmp_path / "f", [packed(noise(8, 100))] * 3) as extents:
        assert list(read_compiled(extents, np.empty((3, 100), np.uint8))) == [0, 1, 2]


def test_threads_do_not_share_the_memory_they_read_into(tmp_path: Path) -> None:
    values = [np.repeat(noise(at, 50), 1 + at) for at in range(40)]

    def wrong(at: int) -> int:
        target = np.empty((1, len(values[at])), np.uint8)
        return sum(
            bool(read_compiled([extents[at]], target)) or not np.array_equal(target[0], values[at]) for _ in range(100)
        )

    with in_a_file(tmp_path / "f", [packed(each) for each in values]) as extents, ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(wrong, range(40))) == 0
