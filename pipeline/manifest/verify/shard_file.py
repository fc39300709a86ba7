"""One file of a sharded array taken apart: its index, and runs of it that hold whole rows."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.files import is_local
from pipeline.manifest.verify.shard_layout import ABSENT, ShardLayout
from pipeline.schema.crc32c import CHECKSUM_BYTES, WITH_ITS_CHECKSUM, crc32c
from pipeline.schema.paths import AnyPath

Bytes = NDArray[np.uint8]

WINDOW_BYTES: Final = 4 * 2**20
"""A run of rows is closed once it decodes to so much: few enough for a core's caches, enough for one call."""


@dataclass(frozen=True)
class OpenFile:
    """A file that is being read; what `read` returns is valid until the next call."""

    size: int
    read: Callable[[int, int], Bytes]
    """The bytes from one offset to another; OSError where there are fewer."""


@dataclass(frozen=True)
class Window:
    """A run of a shard's bytes, and the rows that it completes."""

    stop: int
    """Offset behind its last byte; it begins where the one before it stops."""
    rows: tuple[int, ...]
    """Within the shard."""


@contextmanager
def opened(path: AnyPath, memory: "Memory") -> Iterator[OpenFile]:
    """Open a file for reading parts of it; one of object storage or the web comes whole, in one request."""
    if not is_local(path):
        whole = np.frombuffer(path.read_bytes(), np.uint8)
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


class Memory:
    """Memory of one thread, used again: fresh pages cost as much as reading into them."""

    def __init__(self) -> None:
        self._kept: dict[str, Bytes] = {}

    def get(self, name: str, size: int) -> Bytes:
        """At least that much under that name, its content anything; what was got under it before is overwritten."""
        kept = self._kept.get(name)
        if kept is None or len(kept) < size:
            kept = self._kept[name] = np.empty(size, np.uint8)
        return kept[:size]


def read_index(file: OpenFile, layout: ShardLayout) -> NDArray[np.uint64] | str:
    """Offset and length of every inner chunk, (shard rows, chunks a row, 2); or what is wrong with the index."""
    size = layout.index_bytes + CHECKSUM_BYTES
    if file.size < size:
        return f"the file has {file.size} bytes, its index alone takes {size}"
    data = file.read(file.size - size, file.size)
    if crc32c(data) != WITH_ITS_CHECKSUM:
        return "the shard's index does not have its checksum (crc32c)"
    return data[:-CHECKSUM_BYTES].copy().view("<u8").reshape(layout.shard_rows, layout.chunks_a_row, 2)


def is_within(extents: NDArray[np.uint64], end: int) -> NDArray[np.bool_]:
    """Whether chunks (..., 2) lie before the index, which begins at `end`."""
    offset, size = extents[..., 0], extents[..., 1]
    return (offset <= end) & (size <= end) & (offset + np.minimum(size, np.uint64(end)) <= end)


def windows(extents: NDArray[np.uint64], rows: int, end: int, row_bytes: int) -> list[Window]:
    """Cut a shard into runs that complete its first `rows` rows, in the file's order; `end` is where its index begins.

    Chunks that do not lie in the file complete nothing; rows without any chunk there come with the last run.
    """
    mine = extents[:rows]
    usable = is_within(mine, end) & (mine[..., 0] != ABSENT)
    row_of, _ = np.nonzero(usable)
    begin, size = mine[usable].astype(np.int64).T
    order = np.argsort(begin, kind="stable")
    missing = usable.sum(axis=1)
    found: list[Window] = []
    complete: list[int] = []
    begun: set[int] = set()
    stop = 0
    for at in order:
        row = int(row_of[at])
        stop = max(stop, int(begin[at] + size[at]))
        begun.add(row)
        missing[row] -= 1
        if not missing[row]:
            begun.remove(row)
            complete.append(row)
            if not begun and len(complete) * row_bytes >= WINDOW_BYTES:
                found.append(Window(stop, tuple(complete)))
                complete = []
    rest = [row for row in range(rows) if not usable[row].any()]
    if complete or rest:
        found.append(Window(max(stop, found[-1].stop if found else 0), (*complete, *rest)))
    return found
