"""Inner chunks of a sharded Zarr v3 array, decoded straight into memory that the caller brings.

A shard's index is read once; chunks are read, checked and decoded without Python's lock, so that threads work side by
side: those on a disk many at once by compiled code, and what that cannot read once more by Python, which knows the
reason. Arrays of any other make are left to tensorstore.
"""

import json
import math
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from numcodecs import blosc
from numpy.typing import NDArray

from pipeline.schema.crc32c import CHECKSUM_BYTES, WITH_ITS_CHECKSUM, crc32c
from pipeline.schema.errors import NoldoError
from pipeline.schema.paths import AnyPath
from training.compiled_reads import read_compiled
from training.shard_files import CutShortError, DiskFiles, Part, ShardFiles, shard_files
from training.store_files import read_file

CHUNK_CODECS: Final = ("bytes", "blosc", "crc32c")
INDEX_CODECS: Final = ("bytes", "crc32c")

_ENTRY_BYTES = 16

_DECODED_SIZE = slice(4, 8)
"""Where a Blosc frame states how many bytes it decodes to (its header, README_CHUNK_FORMAT of c-blosc)."""

_ABSENT: Final = 2**64 - 1
"""Offset and length of a chunk that was never written (Zarr v3 specification, codec sharding_indexed)."""

Decode = Callable[[NDArray[np.uint8]], None]
"""Waits for a chunk that was asked for, checks it and decodes it into the given memory; errors as ShardedArray.ask."""

blosc.use_threads = False  # the threads that call are the parallelism; blosc's own would wait for each other


@dataclass(frozen=True)
class ShardedArray:
    """A uint8 array (N, ...), sharded over N alone, whose inner chunks are blosc and crc32c."""

    path: AnyPath
    """Folder of the array."""
    shape: tuple[int, ...]
    shard_rows: int
    chunk_shape: tuple[int, ...]
    """Of an inner chunk; its first side is 1."""
    files: ShardFiles = field(repr=False, compare=False)
    _indices: dict[int, "_Index"] = field(default_factory=dict, repr=False, compare=False)
    """Of the shards that were read from."""

    @cached_property
    def chunks_a_row(self) -> int:
        """Inner chunks of one row, 1 or more."""
        return math.prod(self.shape[1:]) // math.prod(self.chunk_shape[1:])

    def read_into(self, row: int, chunk: int, target: NDArray[np.uint8]) -> None:
        """Decode chunk 0.. of a row into `target`, contiguous and of the chunk's size; errors as `ask`."""
        self.begin(row, chunk)(target)

    def begin_rows(self, rows: Sequence[int], chunks: Sequence[int]) -> Decode:
        """Ask for a chunk of each of the rows, and return what decodes all of them into (n, ...); errors as `ask`."""
        files = self.files
        if isinstance(files, DiskFiles):
            return lambda target: self._decode_rows(files, rows, chunks, target)
        begun = [self.begin(row, chunk) for row, chunk in zip(rows, chunks, strict=True)]

        def decode(target: NDArray[np.uint8]) -> None:
            for decode_one, part in zip(begun, target, strict=True):
                decode_one(part)

        return decode

    def _decode_rows(
        self, files: DiskFiles, rows: Sequence[int], chunks: Sequence[int], target: NDArray[np.uint8]
    ) -> None:
        found = [self._extent(row, chunk) for row, chunk in zip(rows, chunks, strict=True)]
        for at in read_compiled([(files.descriptor(file), start, size) for file, start, size in found], target):
            self.read_into(rows[at], chunks[at], target[at])

    def begin(self, row: int, chunk: int) -> Decode:
        """Ask for chunk 0.. of a row, and return what waits for it and decodes it; errors as `ask`."""
        wait = self.ask(row, chunk)

        def decode(target: NDArray[np.uint8]) -> None:
            stored = wait()
            try:
                size = int.from_bytes(stored[_DECODED_SIZE].tobytes(), "little")
                if size != target.nbytes:  # a larger target would be filled in part only
                    raise ValueError(f"it holds {size} bytes, expected {target.nbytes}")
                blosc.decompress(stored, target)
            except (RuntimeError, ValueError) as error:
                raise self._damaged(row // self.shard_rows, row, str(error)) from error

        return decode

    def ask(self, row: int, chunk: int) -> Part:
        """Ask for the bytes of chunk 0.. of a row as they are stored, and return what waits for them and checks them.

        Raises NoldoError naming shard and row where the chunk is missing, cut short, not what was written, or cannot
        be had; here or on waiting.
        """
        number = row // self.shard_rows
        wait = self.files.begin(*self._extent(row, chunk))

        def checked() -> NDArray[np.uint8]:
            try:
                read = wait()
            except OSError as error:
                raise self._unread(number, row, error) from error
            if crc32c(read) != WITH_ITS_CHECKSUM:
                raise self._damaged(number, row, "its checksum (crc32c) does not fit")
            return read[:-CHECKSUM_BYTES]

        return checked

    def _extent(self, row: int, chunk: int) -> tuple[str, int, int]:
        """File of a chunk, and offset and length in it; NoldoError where it is not there."""
        number, place = divmod(row, self.shard_rows)
        index = self._indices.get(number) or self._read_index(number, row)
        start, size = index.extents[place * self.chunks_a_row + chunk]
        if start == _ABSENT or size <= CHECKSUM_BYTES:
            raise self._damaged(number, row, "its chunk is not there")
        return index.file, start, size

    def _read_index(self, number: int, row: int) -> "_Index":
        """Read and keep a shard's index; two threads may do so at once, which costs a read and no more."""
        entries, file = self.shard_rows * self.chunks_a_row, self._file(number)
        try:
            index = self.files.end(file, entries * _ENTRY_BYTES + CHECKSUM_BYTES)
        except OSError as error:
            raise self._unread(number, row, error) from error
        if crc32c(index) != WITH_ITS_CHECKSUM:
            raise self._damaged(number, row, "the shard's index does not fit its checksum")
        extents: list[list[int]] = index[:-CHECKSUM_BYTES].view("<u8").reshape(entries, 2).tolist()
        found = self._indices[number] = _Index(file, extents)
        return found

    def _unread(self, number: int, row: int, error: OSError) -> NoldoError:
        what = error.strerror or str(error)
        if isinstance(error, CutShortError | FileNotFoundError):
            return self._damaged(number, row, what)
        return NoldoError(
            f"{self.path.parent}: array '{self.path.name}' cannot be read at row {row} ({what})\n"
            f"See whether {self.path / self._file(number)} can be reached, then go on with --resume."
        )

    def _damaged(self, number: int, row: int, what: str) -> NoldoError:
        return NoldoError(
            f"{self.path.parent}: array '{self.path.name}' cannot be read at row {row} ({what})\n"
            f"Restore {self.path / self._file(number)}, or build the store again."
        )

    def _file(self, number: int) -> str:
        return "/".join(("c", str(number), *("0" for _ in self.shape[1:])))


@dataclass(frozen=True)
class _Index:
    """Where the inner chunks of a shard lie."""

    file: str
    extents: list[list[int]]
    """Offset and length of each."""


def open_sharded(path: AnyPath) -> ShardedArray | None:
    """Open the array in that folder, or None where it is of a make that this module does not read."""
    try:
        metadata = json.loads(read_file(path, "zarr.json") or b"")
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
    except (ValueError, KeyError, TypeError):
        return None
    ragged = any(full % part for full, part in zip(shape[1:], chunk[1:], strict=True))
    if not plain or ragged or chunk[0] != 1 or grid[1:] != shape[1:]:
        return None
    array = ShardedArray(path, tuple(shape), grid[0], tuple(chunk), shard_files(path))
    weakref.finalize(array, array.files.close)
    return array
