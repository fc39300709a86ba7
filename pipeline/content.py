"""Digests of decoded content: the same whatever the codec, the chunks, the shards or the writer."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.schema.records import ShardRecord

PREFIX: Final = "sha256:"
"""Every digest is written with its algorithm."""

DIGEST_ATTRIBUTE: Final = "content_digest"
"""Group attribute of a finished store: the digest over its arrays."""


def row_digest(row: NDArray[np.generic]) -> str:
    """SHA-256 of one row's values, little-endian and in C order."""
    little = np.ascontiguousarray(row, dtype=row.dtype.newbyteorder("<"))
    return PREFIX + hashlib.sha256(little.data).hexdigest()


def array_digest(dtype: str, row_shape: Sequence[int], rows: Iterable[str]) -> str:
    """The digest of an array from those of its rows, in order; dtype is NumPy's name, for example uint8."""
    digest = hashlib.sha256(canonical_json({"dtype": dtype, "row_shape": list(row_shape)}))
    for row in rows:
        digest.update(bytes.fromhex(row.removeprefix(PREFIX)))
    return PREFIX + digest.hexdigest()


def store_digests(records: Sequence[ShardRecord], row_shapes: Mapping[str, Sequence[int]]) -> dict[str, str]:
    """The digest of every array of a store, from the records of all its shards and the shape of one row."""
    ordered = sorted(records, key=lambda record: record.shard)
    return {
        name: array_digest("uint8", shape, (row for record in ordered for row in record.row_digests(name)))
        for name, shape in row_shapes.items()
    }


def tree_digest(children: Mapping[str, str]) -> str:
    """The digest of named parts, whatever their order."""
    return PREFIX + hashlib.sha256(canonical_json(dict(children))).hexdigest()


def canonical_json(plain: Any) -> bytes:
    """Plain data as JSON bytes with sorted keys and no spaces; NaN and infinities are refused with ValueError."""
    return _CANONICAL.encode(plain).encode()


_CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
