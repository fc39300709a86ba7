"""The staged pixels of a tile: one file a tile, written at once and checked by its own checksums when it is read."""

import io
import zipfile
import zlib
from typing import Final

import numpy as np

from pipeline.files import is_file, listed, remove, write_bytes
from pipeline.schema.errors import DamagedError
from pipeline.schema.paths import AnyPath
from pipeline.schema.tiles import TileArrays

INPUTS: Final = "inputs"
"""Member that holds the digest of what the pixels were made from."""

UNREADABLE: Final = (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error)
"""What a damaged file is refused with; every member of a zip archive has its CRC-32."""


def write_staged(path: AnyPath, arrays: TileArrays, inputs: str) -> None:
    """Commit a tile's arrays at `path`, with the digest of what they were made from."""
    buffer = io.BytesIO()
    members = {**arrays, INPUTS: np.array(inputs)}
    np.savez(buffer, allow_pickle=False, **members)
    write_bytes(path, buffer.getvalue())


def read_staged(path: AnyPath) -> TileArrays:
    """A tile's arrays, every byte checked; DamagedError where the file is gone or damaged."""
    return _read(path)[0]


def staged_for(path: AnyPath, inputs: str) -> TileArrays | None:
    """The arrays that were staged for `inputs`; None where there are none, or they cannot be read."""
    if not is_file(path):
        return None
    try:
        arrays, made_from = _read(path)
    except DamagedError:
        return None
    return arrays if made_from == inputs else None


def staged_ids(folder: AnyPath) -> set[str]:
    """The tiles that have a file in the folder of a part."""
    return {path.stem for path in listed(folder, "*.npz")}


def keep_staged(folder: AnyPath, tile_ids: set[str]) -> None:
    """Remove the files of all other tiles from the folder of a part."""
    for path in listed(folder, "*.npz"):
        if path.stem not in tile_ids:
            remove(path)


def prune_staged(folder: AnyPath, parts: int) -> None:
    """Remove what an earlier, larger build staged under `folder` beyond so many parts."""
    for path in listed(folder, "part-*/*.npz"):
        if int(path.parent.name.removeprefix("part-")) >= parts:
            remove(path)


def _read(path: AnyPath) -> tuple[TileArrays, str]:
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as members:
            arrays = {name: members[name] for name in members.files}
            return arrays, str(arrays.pop(INPUTS))
    except UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DamagedError(f"{path} cannot be read ({reason}); delete it and run the build again", path) from error
