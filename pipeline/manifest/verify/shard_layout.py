"""How a sharded array lies in its files, for those arrays whose chunks can be checked straight from the bytes."""

import math
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numcodecs import blosc, zstd
from numpy.typing import NDArray

from pipeline.manifest.verify.bounds import ENTRY_BYTES

Bytes = NDArray[np.uint8]

Decode = Callable[[Bytes, Bytes], None]
"""Decodes a chunk into contiguous memory of its decoded size; ValueError or RuntimeError where it does not fit."""

ABSENT: Final = 2**64 - 1
"""Offset and length of a chunk that was never written (Zarr v3 specification, codec sharding_indexed)."""

_BLOSC_SIZES: Final = struct.Struct("<4xI4xI")
"""In the header of a frame: how many bytes it decodes to, and how many it has."""

_ORDERLY: Final = {"name": "default", "configuration": {"separator": "/"}}


@dataclass(frozen=True)
class ShardLayout:
    """A Zarr v3 array (N, ...) sharded over N alone, whose inner chunks are contiguous parts of one row each."""

    rows: int
    row_shape: tuple[int, ...]
    dtype: np.dtype[Any]
    """Little-endian."""
    shard_rows: int
    chunk_shape: tuple[int, ...]
    """Of an inner chunk, its first side 1."""
    decode: Decode
    checksummed: bool
    """Whether every inner chunk has a crc32c behind it."""
    fill: bytes
    """One value, as a chunk holds it that was never written."""

    @property
    def row_bytes(self) -> int:
        """Decoded."""
        return math.prod(self.row_shape) * self.dtype.itemsize

    @property
    def chunk_bytes(self) -> int:
        """Decoded, of an inner chunk."""
        return math.prod(self.chunk_shape) * self.dtype.itemsize

    @property
    def chunks_a_row(self) -> int:
        """Inner chunks of one row, 1 or more."""
        return math.prod(self.row_shape) // math.prod(self.chunk_shape)

    @property
    def index_bytes(self) -> int:
        """At the end of a shard, its crc32c aside."""
        return self.shard_rows * self.chunks_a_row * ENTRY_BYTES

    @property
    def shards(self) -> int:
        """Files of the whole array."""
        return -(-self.rows // self.shard_rows)

    def file(self, shard: int) -> str:
        """Path of a shard's file in the array's folder."""
        return "/".join(("c", str(shard), *("0" for _ in self.row_shape)))

    def rows_of(self, shard: int) -> range:
        """The array's rows in a shard."""
        return range(shard * self.shard_rows, min((shard + 1) * self.shard_rows, self.rows))

    def chunk_name(self, row: int, chunk: int) -> str:
        """An inner chunk's place in the array's grid, for example 17/2/0/0/0."""
        grid = [side // part for side, part in zip(self.row_shape, self.chunk_shape[1:], strict=True)]
        within = [int(at) for at in np.unravel_index(chunk, grid)] if grid else []
        return "/".join(str(at) for at in (row, *within))


def shard_layout(array: Any) -> ShardLayout | None:
    """The layout of an opened array, or None where it is another than this module knows."""
    try:
        return _layout(array.metadata.to_dict(), np.dtype(array.dtype), array.fill_value)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError):
        return None


def _layout(metadata: Mapping[str, Any], dtype: np.dtype[Any], fill: Any) -> ShardLayout | None:
    (sharding,) = metadata["codecs"]
    if sharding["name"] != "sharding_indexed" or metadata.get("storage_transformers"):
        return None
    settings = sharding["configuration"]
    shape, shard = tuple(metadata["shape"]), tuple(metadata["chunk_grid"]["configuration"]["chunk_shape"])
    chunk = tuple(settings["chunk_shape"])
    of_index = [codec["name"] for codec in settings["index_codecs"]]
    known = (
        metadata["zarr_format"] == 3
        and metadata["chunk_key_encoding"] == _ORDERLY
        and settings.get("index_location", "end") == "end"
        and of_index == ["bytes", "crc32c"]
        and _endian(settings["index_codecs"][0]) == "little"
        and shard[1:] == shape[1:]
        and min(shape, default=0) > 0
        and _contiguous(chunk, shape[1:])
    )
    plain = [_plain(codec) for codec in settings["codecs"]]
    checksummed = plain[-1]["name"] == "crc32c"
    decode = _decoder(plain[: -1 if checksummed else None], dtype)
    if not known or decode is None:
        return None
    return ShardLayout(
        rows=shape[0],
        row_shape=shape[1:],
        dtype=dtype.newbyteorder("<"),
        shard_rows=shard[0],
        chunk_shape=chunk,
        decode=decode,
        checksummed=checksummed,
        fill=np.array(fill, dtype.newbyteorder("<")).tobytes(),
    )


def _contiguous(chunk: tuple[int, ...], row_shape: tuple[int, ...]) -> bool:
    """Whether chunks of one row are runs of its values in C order: single, then a whole share, then full sides."""
    if not chunk or chunk[0] != 1 or len(chunk) != len(row_shape) + 1:
        return False
    partial = next((at for at, part in enumerate(chunk[1:]) if part != 1), len(row_shape))
    whole = chunk[1:][partial + 1 :] == row_shape[partial + 1 :]
    return whole and all(side % part == 0 for side, part in zip(row_shape, chunk[1:], strict=True))


def _plain(codec: Any) -> Mapping[str, Any]:
    named: Mapping[str, Any] = codec if isinstance(codec, Mapping) else codec.to_dict()
    return named


def _endian(codec: Any) -> str:
    return str(_plain(codec).get("configuration", {}).get("endian", "little")).rpartition(".")[2].lower()


def _decoder(codecs: list[Mapping[str, Any]], dtype: np.dtype[Any]) -> Decode | None:
    """What decodes the codecs `bytes` and at most one compressor."""
    if not codecs or codecs[0]["name"] != "bytes" or dtype.hasobject or dtype.kind not in "uif":
        return None
    if dtype.itemsize > 1 and _endian(codecs[0]) != "little":
        return None
    decoders: dict[str, Decode] = {"blosc": _blosc, "zstd": _zstd, "gzip": _gzip}
    if len(codecs) == 1:
        return _stored
    return decoders.get(codecs[1]["name"]) if len(codecs) == 2 else None


def _blosc(stored: Bytes, target: Bytes) -> None:
    # The header's sizes (c-blosc, README_CHUNK_FORMAT.rst): a frame of another size would fill the target in part.
    decoded, size = _BLOSC_SIZES.unpack_from(stored.data) if stored.nbytes >= _BLOSC_SIZES.size else (0, 0)
    if (decoded, size) != (target.nbytes, stored.nbytes):
        raise ValueError(f"decodes {size} bytes to {decoded}, expected {stored.nbytes} to {target.nbytes}")
    blosc.decompress(stored, target)


def _zstd(stored: Bytes, target: Bytes) -> None:
    decoded = zstd.decompress(stored, target)
    if len(decoded) != target.nbytes:
        raise ValueError(f"decodes to {len(decoded)} bytes, expected {target.nbytes}")


def _gzip(stored: Bytes, target: Bytes) -> None:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        decoded = unpacker.decompress(stored.data, target.nbytes + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if len(decoded) != target.nbytes or not unpacker.eof:
        raise ValueError(f"does not decode to {target.nbytes} bytes")
    target[:] = np.frombuffer(decoded, np.uint8)


def _stored(stored: Bytes, target: Bytes) -> None:
    if stored.nbytes != target.nbytes:
        raise ValueError(f"{stored.nbytes} bytes, expected {target.nbytes}")
    target[:] = stored
