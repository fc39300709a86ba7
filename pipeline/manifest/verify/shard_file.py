"""One file of a sharded array taken apart: its index, and its chunks in the order in which they lie there."""

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from upath import UPath

from pipeline.files import is_local
from pipeline.manifest.verify.bounds import longest_chunk
from pipeline.manifest.verify.shard_layout import ShardLayout
from pipeline.schema.crc32c import CHECKSUM_BYTES, WITH_ITS_CHECKSUM, crc32c
from pipeline.schema.paths import AnyPath

Bytes = NDArray[np.uint8]

BATCH_BYTES: Final = 2**20
"""Decoded bytes that are read, checked and hashed in one go: a core's own cache holds them, or nearly."""

BATCH_CHUNKS: Final = 2**16
"""Of chunks of a few bytes no more in one go: each takes more as an object than as data."""

WAIT_S: Final = 0.2
"""Until whoever waits for an object is asked whether to go on."""


@dataclass(frozen=True)
class OpenFile:
    """A file that is being read; what `read` returns is valid until the next call."""

    size: int
    read: Callable[[int, int], Bytes]
    """The bytes from one offset to another; OSError where there are fewer."""


class Extent(NamedTuple):
    """Where an inner chunk lies."""

    row: int
    """Within the shard."""
    chunk: int
    """Within the row."""
    offset: int
    size: int


@dataclass(frozen=True)
class Batch:
    """A run of a shard's bytes, and the chunks in it."""

    start: int
    stop: int
    """Offset behind the last byte of any of its chunks."""
    chunks: tuple[Extent, ...]
    """In the file's order."""


@contextmanager
def opened(path: AnyPath, memory: "Memory", on_wait: Callable[[], None]) -> Iterator[OpenFile]:
    """Open a file for reading parts of it; one of object storage or the web comes whole, in one request.

    `on_wait` is called now and then while it comes, and may raise to give it up.
    """
    if not is_local(path):
        whole = np.frombuffer(_fetched(path, on_wait), np.uint8)
        yield OpenFile(len(whole), lambda start, stop: whole[start:stop])
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        size = os.fstat(descriptor).st_size

        def read(start: int, stop: int) -> Bytes:
            part = memory.get("stored", stop - start)
            done = 0
            while done < len(part):
                got = os.preadv(descriptor, [part[done:].data], start + done)
                if not got:
                    raise OSError(f"{path} ends before byte {stop}")
                done += got
            return part

        yield OpenFile(size, read)
    finally:
        os.close(descriptor)


def _fetched(path: UPath, on_wait: Callable[[], None]) -> bytes:
    """A whole object. A server may send it for ever, a few bytes at a time."""
    coming = asyncio.run_coroutine_threadsafe(path.fs._cat_file(path.path), path.fs.loop)
    try:
        while not futures.wait([coming], WAIT_S).done:
            on_wait()
        data: bytes = coming.result()
        return data
    finally:
        coming.cancel()


class Memory:
    """Memory of one thread, used again: fresh pages cost as much as reading into them."""

    def __init__(self) -> None:
        self._kept: dict[str, Bytes] = {}
        self._free: list[Bytes] = []

    def get(self, name: str, size: int) -> Bytes:
        """At least that much under that name, its content anything; what was got under it before is overwritten."""
        kept = self._kept.get(name)
        if kept is None or len(kept) < size:
            kept = self._kept[name] = np.empty(size, np.uint8)
        return kept[:size]

    def borrow(self, size: int) -> Bytes:
        """Exactly that much, for its borrower alone until it is given back."""
        for at, free in enumerate(self._free):
            if len(free) == size:
                return self._free.pop(at)
        self._free.clear()
        return np.empty(size, np.uint8)

    def give_back(self, borrowed: Bytes) -> None:
        """Let others have what was borrowed."""
        self._free.append(borrowed)


def read_index(file: OpenFile, layout: ShardLayout) -> NDArray[np.uint64] | str:
    """Offset and length of every inner chunk, (shard rows, chunks a row, 2); or what is wrong with the index."""
    size = layout.index_bytes + CHECKSUM_BYTES
    if file.size < size:
        return f"the file has {file.size} bytes, its index alone takes {size}"
    data = file.read(file.size - size, file.size)
    if crc32c(data) != WITH_ITS_CHECKSUM:
        return "the shard's index does not have its checksum (crc32c)"
    return data[:-CHECKSUM_BYTES].copy().view("<u8").reshape(layout.shard_rows, layout.chunks_a_row, 2)


def is_within(extents: NDArray[np.uint64], end: int, longest: int) -> NDArray[np.bool_]:
    """Whether chunks (..., 2) lie before the index, which begins at `end`, and have no more bytes than `longest`."""
    last = np.uint64(end)
    offset, size = np.minimum(extents[..., 0], last), extents[..., 1]
    return (extents[..., 0] <= last) & (size <= np.minimum(last - offset, np.uint64(longest)))


def batches(extents: NDArray[np.uint64], end: int, chunk_bytes: int) -> Iterator[Batch]:
    """Cut a shard into runs of chunks in the file's order, of BATCH_BYTES decoded or a little more.

    `extents` (rows, chunks a row, 2); `end` is where the index begins. Chunks that were never written, do not lie
    before the index, or are longer than any chunk, are in no batch.
    """
    longest = longest_chunk(chunk_bytes)
    row_of, chunk_of = np.nonzero(is_within(extents, end, longest))
    offset, size = extents[row_of, chunk_of].astype(np.int64).T
    order = np.lexsort((chunk_of, row_of, offset))
    step = min(max(1, BATCH_BYTES // chunk_bytes), BATCH_CHUNKS)
    stop = 0
    for first in range(0, len(order), step):
        some = order[first : first + step]
        # Chunks that lie far apart are taken one by one, so that what lies between is not read with them.
        apart = int(offset[some[-1]] - offset[some[0]]) > 4 * BATCH_BYTES
        for run in some[:, None] if apart else (some,):
            stop = max(stop, int((offset[run] + size[run]).max()))
            chunks = zip(*(of[run].tolist() for of in (row_of, chunk_of, offset, size)), strict=True)
            yield Batch(int(offset[run[0]]), stop, tuple(Extent(*chunk) for chunk in chunks))
