"""Staged raw pixels: one Zarr group a part, a row a location, written under another name and renamed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec

from pipeline.commit import committed_folder
from pipeline.schema.errors import NoldoError
from pipeline.schema.records import Patch

DIGEST_ATTRIBUTE: Final = "noldo:inputs"
"""Group attribute: digest of the inputs and parameters that made the part."""

IDS_ATTRIBUTE: Final = "location_ids"
"""Group attribute: location id of every row, in order."""

DIMENSIONS: Final = {
    "s2": ("location", "season", "s2_band", "y", "x"),
    "s1": ("location", "season", "s1_band", "y", "x"),
    "dw": ("location", "season", "y", "x"),
}


def write_tiles(path: Path, patches: Sequence[Patch], inputs: str) -> None:
    """Commit a part's patches, in order, as arrays s2, s1 and dw with one checksummed chunk a location.

    Raises ValueError where there are no patches or they differ in shape or type.
    """
    if not patches:
        raise ValueError("a tile part needs at least one patch")
    attributes = {DIGEST_ATTRIBUTE: inputs, IDS_ATTRIBUTE: [patch.location_id for patch in patches]}
    with committed_folder(path) as temporary:
        group = zarr.create_group(temporary, zarr_format=3, attributes=attributes)
        for name, dimensions in DIMENSIONS.items():
            _write_array(group, name, dimensions, [getattr(patch, name) for patch in patches])


def _write_array(group: zarr.Group, name: str, dimensions: tuple[str, ...], values: list[Any]) -> None:
    first = values[0]
    # Empty chunks are written too: a chunk that is not there is then always damage.
    array = group.create_array(
        name,
        shape=(len(values), *first.shape),
        chunks=(1, *first.shape),
        dtype=first.dtype,
        compressors=[BloscCodec(cname="lz4", clevel=5), Crc32cCodec()],
        dimension_names=dimensions,
        config={"write_empty_chunks": True},
    )
    for row, value in enumerate(values):
        if value.shape != first.shape or value.dtype != first.dtype:
            raise ValueError(
                f"{name} of patch {row} is {value.dtype} {value.shape}, of patch 0 {first.dtype} {first.shape}"
            )
        array[row] = value


def read_tiles(path: Path, rows: Sequence[int]) -> list[Patch]:
    """Patches of the given rows; NoldoError where the part, or one of those rows in it, is missing or damaged."""
    try:
        group = zarr.open_group(path, mode="r")
        location_ids: Any = group.attrs[IDS_ATTRIBUTE]
        arrays: dict[str, Any] = {name: group[name] for name in DIMENSIONS}
        return [_read_row(path, location_ids, arrays, row) for row in rows]
    except (OSError, KeyError, IndexError, ValueError, RuntimeError) as error:
        raise NoldoError(f"{path} cannot be read ({error}); delete it and run the build again") from error


def _read_row(path: Path, location_ids: list[str], arrays: dict[str, Any], row: int) -> Patch:
    for name, array in arrays.items():
        chunk = path / name / "/".join(["c", str(row), *["0"] * (array.ndim - 1)])
        if not chunk.is_file():
            raise ValueError(f"row {row} of {name} is not there")
    return Patch(location_id=location_ids[row], **{name: np.asarray(a[row]) for name, a in arrays.items()})


def tile_inputs(path: Path) -> str | None:
    """The inputs digest of a committed tile part, or None where there is none that can be read."""
    try:
        value = zarr.open_group(path, mode="r").attrs.get(DIGEST_ATTRIBUTE)
    except (OSError, KeyError, ValueError):
        return None
    return value if isinstance(value, str) else None
