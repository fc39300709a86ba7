"""Inner chunks of a sharded Zarr v3 array on disk, decoded straight into memory that the caller brings.

A shard's index is read once; a chunk is read by one call into memory that its thread keeps, checked and decoded, all
without Python's lock, so that threads work side by side. (A memory map would save that copy and pay for it with a page
fault for every 4 KB that is seen for the first time, which costs several times more.) Arrays of any other make are
left to tensorstore.
"""

import errno
import json
import math
import os
import resource
import threading
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numcodecs import blosc
from numpy.typing import NDArray

from pipeline.schema.errors import NoldoError
from training.crc32c import CHECKSUM_BYTES, crc32c

CHUNK_CODECS: Final = ("bytes", "blosc", "crc32c")
INDEX_CODECS: Final = ("bytes", "crc32c")

_ENTRY_BYTES = 16

blosc.use_threads = False  # the threads that call are the parallelism; blosc's own would wait for each other


@dataclass(frozen=True)
class ShardedArray:
    """A uint8 array (N, ...) of one array.json, sharded over N alone, whose inner chunks are blosc and crc32c."""

    path: Path
    """Folder of the array."""
    shape: tuple[int, ...]
    shard_rows: int
    chunk_shape: tuple[int, ...]
    """Of an inner chunk; its first side is 1."""
    _open: dict[int, "_Shard"] = field(default_factory=dict, repr=False, compare=False)
    _own: threading.local = field(default_factory=threading.local, repr=False, compare=False)
    _lock: Any = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def chunks_a_row(self) -> int:
        """Inner chunks of one row, 1 or more."""
        return math.prod(self.shape[1:]) // math.prod(self.chunk_shape[1:])

    def read_into(self, row: int, chunk: int, target: NDArray[np.uint8]) -> None:
        """Decode chunk 0.. of a row into `target`, contiguous and of the chunk's size.

        Raises NoldoError naming file and row where the chunk is missing, cut short or not what was written.
        """
        number = row // self.shard_rows
        shard = self._shard(number)
        start, size = shard.extent(row % self.shard_rows * self.chunks_a_row + chunk)
        if size <= CHECKSUM_BYTES:
            raise self.damaged(number, row, "its chunk is not there")
        read = self._memory(size)
        if os.preadv(shard.file, [read.data], start) != size:
            raise self.damaged(number, row, "the file is cut short")
        stored = read[:-CHECKSUM_BYTES]
        if crc32c(stored) != int.from_bytes(read[-CHECKSUM_BYTES:].tobytes(), "little"):
            raise self.damaged(number, row, "its checksum (crc32c) does not fit")
        try:
            blosc.decompress(stored, target)
        except (RuntimeError, ValueError) as error:
            raise self.damaged(number, row, str(error)) from error

    def damaged(self, number: int, row: int, what: str) -> NoldoError:
        """The error that names a shard and a row in it."""
        return NoldoError(
            f"{self.path.parent}: array '{self.path.name}' cannot be read at row {row} ({what})\n"
            f"Restore {self._file(number)}, or build the store again."
        )

    def _shard(self, number: int) -> "_Shard":
        found = self._open.get(number)
        if found is not None:
            return found
        with self._lock:
            if number not in self._open:
                self._open[number] = self._map(number)
            return self._open[number]

    def _map(self, number: int) -> "_Shard":
        entries = self.shard_rows * self.chunks_a_row
        index = np.empty(entries * _ENTRY_BYTES + CHECKSUM_BYTES, np.uint8)
        try:
            file = _open_file(self._file(number))
            size = os.fstat(file).st_size
            read = os.preadv(file, [index.data], max(size - len(index), 0))
        except OSError as error:
            raise self.damaged(number, number * self.shard_rows, error.strerror or str(error)) from error
        written = int.from_bytes(index[-CHECKSUM_BYTES:].tobytes(), "little")
        if read != len(index) or crc32c(index[:-CHECKSUM_BYTES]) != written:
            raise self.damaged(number, number * self.shard_rows, "the shard's index does not fit its checksum")
        return _Shard(file, size, index[:-CHECKSUM_BYTES].view("<u8").reshape(entries, 2).tolist())

    def _memory(self, size: int) -> NDArray[np.uint8]:
        """The first `size` bytes of memory that belongs to this thread and array."""
        kept: NDArray[np.uint8] | None = getattr(self._own, "memory", None)
        if kept is None or len(kept) < size:
            kept = self._own.memory = np.empty(max(size, 2 * math.prod(self.chunk_shape)), np.uint8)
        return kept[:size]

    def _file(self, number: int) -> Path:
        return self.path.joinpath("c", str(number), *("0" for _ in self.shape[1:]))


@dataclass(frozen=True)
class _Shard:
    file: int
    """Descriptor."""
    size: int
    """Bytes."""
    entries: list[list[int]]
    """Offset and length of every inner chunk; 2^64 - 1 for one that is not there."""

    def extent(self, entry: int) -> tuple[int, int]:
        """Offset and length of a chunk in the file; (0, 0) where it does not lie in it."""
        start, size = self.entries[entry]
        return (start, size) if start + size <= self.size else (0, 0)


def _open_file(path: Path) -> int:
    """A descriptor that stays open; a whole data set is some thousands of files, more than most shells allow."""
    try:
        return os.open(path, os.O_RDONLY)
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        return os.open(path, os.O_RDONLY)


def open_sharded(path: Path) -> ShardedArray | None:
    """Open the array in that folder, or None where it is of a make that this module does not read."""
    try:
        metadata = json.loads((path / "zarr.json").read_text())
        shape, grid = metadata["shape"], metadata["chunk_grid"]["configuration"]["chunk_shape"]
        (sharding,) = metadata["codecs"]
        settings = sharding["configuration"]
        chunk = settings["chunk_shape"]
        plain = (
            sharding["name"] == "sharding_indexed"
            and metadata["data_type"] == "uint8"
            and metadata["chunk_key_encoding"] == {"name": "default", "configuration": {"separator": "/"}}
            and settings.get("index_location", "end") == "end"
            and tuple(codec["name"] for codec in settings["codecs"]) == CHUNK_CODECS
            and tuple(codec["name"] for codec in settings["index_codecs"]) == INDEX_CODECS
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    ragged = any(full % part for full, part in zip(shape[1:], chunk[1:], strict=True))
    if not plain or ragged or chunk[0] != 1 or grid[1:] != shape[1:]:
        return None
    array = ShardedArray(path, tuple(shape), grid[0], tuple(chunk))
    weakref.finalize(array, _close, array._open)
    return array


def _close(opened: dict[int, _Shard]) -> None:
    for shard in opened.values():
        os.close(shard.file)
