"""A new array for label maps of a store's rows, packed as the store's own are (pipeline/store_arrays.py)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import zarr
from zarr.codecs import BloscCodec, Crc32cCodec

WRITE_ALL: Final[Any] = {"write_empty_chunks": True}
"""Readers take a chunk that is not there for damage."""


def new_label_array(
    folder: Path, shape: tuple[int, ...], *, shard_rows: int, fill: int, attributes: Mapping[str, Any]
) -> Any:
    """Create a zarr array of uint8 (N, 4, P, P) to write into: a location a chunk, each with its crc32c.

    `shard_rows`: locations a shard. `fill`: what stands where there is nothing.
    """
    row = shape[1:]
    return zarr.create_array(
        folder,
        shape=shape,
        chunks=(1, *row),
        shards=(shard_rows, *row),
        dtype="uint8",
        fill_value=fill,
        filters=None,
        compressors=[BloscCodec(cname="lz4hc", clevel=5, shuffle="noshuffle"), Crc32cCodec()],
        dimension_names=("location", "season", "y", "x"),
        attributes=dict(attributes),
        config=WRITE_ALL,
    )
