"""Which values a chunk's or a shard's file holds, and its bytes written anew."""

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
import zarr
from numpy.typing import NDArray

from pipeline.schema.paths import AnyPath

METADATA: Final = "zarr.json"


@dataclass(frozen=True, eq=False)
class ChunkFile:
    """One file of an array's values."""

    path: str
    """Relative to the data set's folder."""
    store: str
    """For example store/nol.zarr."""
    array: str
    """Path within the store, for example s2 or statistics/s2_mean."""
    key: str
    """Within the array, for example c/3/0/0/0/0."""
    opened: Any
    """The array as our own metadata describes it."""

    @property
    def region(self) -> tuple[slice, ...]:
        """Where in the array its values lie, the array's edges aside."""
        sides = self.opened.shards or self.opened.chunks
        at = [int(part) for part in self.key.split("/")[1:]]
        return tuple(
            slice(n * side, min((n + 1) * side, whole))
            for n, side, whole in zip(at, sides, self.opened.shape, strict=True)
        )

    @property
    def rows(self) -> range:
        """The rows that it holds, where it holds them whole."""
        return range(self.region[0].start, self.region[0].stop)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of its values."""
        return tuple(part.stop - part.start for part in self.region)


def chunk_file(path: str, open_array: Callable[[str], Any]) -> ChunkFile | None:
    """What a path of a published file is a chunk or a shard of; None where it is none of an array that can be opened.

    `open_array` opens the array at a path relative to the data set's folder, or raises KeyError.
    """
    parts = PurePosixPath(path).parts
    if len(parts) < 4 or parts[0] != "store" or "c" not in parts[3:]:
        return None
    begins = len(parts) - 1 - parts[::-1].index("c")
    array, key = "/".join(parts[2:begins]), parts[begins:]
    try:
        opened = open_array("/".join(parts[:begins]))
    except KeyError:
        return None
    sides = opened.shards or opened.chunks
    grid = [-(-whole // side) for whole, side in zip(opened.shape, sides, strict=True)]
    plain = len(key) == len(grid) + 1 and all(part.isdecimal() for part in key[1:])
    if not plain or not all(int(part) < many for part, many in zip(key[1:], grid, strict=True)):
        return None
    return ChunkFile(path, "/".join(parts[:2]), array, "/".join(key), opened)


def encoded(file: ChunkFile, metadata: bytes, values: NDArray[np.generic]) -> bytes:
    """The bytes of a chunk's or shard's file that holds these values, as a build writes it.

    `metadata` is the array's zarr.json. The same values make the same bytes as long as zarr-python and the codecs'
    libraries write alike.
    """
    with tempfile.TemporaryDirectory(prefix="noldo-") as folder:
        Path(folder, METADATA).write_bytes(metadata)
        array: Any = zarr.open_array(folder, mode="r+")
        array.with_config({"write_empty_chunks": True})[file.region] = values
        return Path(folder, file.key).read_bytes()


def metadata_of(root: AnyPath, file: ChunkFile) -> bytes:
    """The zarr.json of a chunk file's array."""
    data: bytes = (root / file.store / file.array / METADATA).read_bytes()
    return data


def has_sha256(data: bytes, sha256: str) -> bool:
    """Whether bytes have that SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest() == sha256
