"""A damaged shard made anew from its own good rows and those that a source has, down to its listed checksum."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import zarr
from numpy.typing import NDArray

from pipeline.content import row_digest
from pipeline.manifest.digest_table import ArrayDigests
from pipeline.manifest.repair.chunk_file import ChunkFile, encoded, has_sha256, metadata_of
from pipeline.manifest.repair.outcome import Lost
from pipeline.manifest.repair.row_source import CopiedRows, RowSource
from pipeline.schema.paths import AnyPath
from pipeline.tile_arrays import is_unreadable

OTHER: Final = "came back different from what was published"


@dataclass(frozen=True, eq=False)
class Rebuilt:
    """A file's bytes as they were listed."""

    data: bytes
    rows: tuple[int, ...]
    """That came from the source."""


def rebuild_shard(
    root: AnyPath, file: ChunkFile, digests: ArrayDigests, sha256: str, source: RowSource
) -> Rebuilt | Lost:
    """Make the shard of whole rows again: those whose digests are right stay, the others come from the source."""
    values = np.empty(file.shape, file.opened.dtype)
    bad = [row for row in file.rows if not _place(values, file, row, _own_row(file, row), digests)]
    came = source.rows(file.store, file.array, bad)
    lost = {row: came.missing.get(row, OTHER) for row in bad if not _place(values, file, row, came.values, digests)}
    if lost:
        first = next(iter(lost))
        more = f", nor could {len(lost) - 1} more of its rows" if len(lost) > 1 else ""
        return Lost(file.path, f"row {first} could not be had: {lost[first]}{more}", lost)
    data = encoded(file, metadata_of(root, file), values)
    if not has_sha256(data, sha256):
        return Lost(file.path, _other_bytes("its rows are at hand"))
    return Rebuilt(data, tuple(bad))


def rebuild_chunk(root: AnyPath, file: ChunkFile, sha256: str, source: CopiedRows) -> Rebuilt | Lost:
    """Make a file without digests of rows again, such as one of the store's statistics: its checksum is the proof."""
    try:
        stored = source.array(f"{file.store}/{file.array}")
        values = np.asarray(stored[file.region]) if stored.shape == file.opened.shape else None
    except KeyError as error:
        return Lost(file.path, str(error.args[0]))
    except Exception as error:
        if not is_unreadable(error):
            raise
        return Lost(file.path, f"the source's cannot be read ({error})")
    if values is None or values.dtype != file.opened.dtype:
        return Lost(file.path, "the source's array is of another shape or type")
    data = encoded(file, metadata_of(root, file), values)
    return Rebuilt(data, ()) if has_sha256(data, sha256) else Lost(file.path, _other_bytes("the source has its values"))


def _own_row(file: ChunkFile, row: int) -> Mapping[int, NDArray[np.generic]]:
    try:
        return {row: np.asarray(file.opened[row])}
    except Exception as error:
        if not is_unreadable(error):
            raise
        return {}


def _place(
    values: NDArray[np.generic],
    file: ChunkFile,
    row: int,
    found: Mapping[int, NDArray[np.generic]],
    digests: ArrayDigests,
) -> bool:
    """Put a row into the shard's values if it is the one that was published."""
    value = found.get(row)
    if value is None or value.shape != values.shape[1:] or value.dtype != values.dtype:
        return False
    if row >= len(digests.digest) or row_digest(value) != digests.row(row):
        return False
    values[row - file.rows.start] = value
    return True


def _other_bytes(what: str) -> str:
    return (
        f"{what}, but zarr {zarr.__version__} and its codecs write them as other bytes than those listed; install the "
        "versions that provenance.json names"
    )
