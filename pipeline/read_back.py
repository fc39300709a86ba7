"""Write rows of a stored array and read them back: what a disk or a service does not give back is found at once."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.content import row_digest
from pipeline.schema.errors import NoldoError

READ_BACK_ROWS: Final = 8
"""Rows read back at a time: 29 MB of a pretraining store's Sentinel-2, 55 MB of a downstream store's."""


def write_verified(array: Any, first: int, block: NDArray[np.generic]) -> tuple[str, ...]:
    """Write rows first.. of an array in one go; returns the digests of the rows as they read back.

    Raises NoldoError where they do not read back as they were written.
    """
    # Empty chunks are written too: a chunk that is not there is then always damage, never the fill value.
    array.with_config({"write_empty_chunks": True})[first : first + len(block)] = block
    return tuple(
        digest for start in range(0, len(block), READ_BACK_ROWS) for digest in _verified(array, first, block, start)
    )


def _verified(array: Any, first: int, block: NDArray[np.generic], start: int) -> Iterator[str]:
    """The digests of a few rows of `block`, from `start` on, once they read back as they were written."""
    written = block[start : start + READ_BACK_ROWS]
    low = first + start
    try:
        read = np.asarray(array[low : low + len(written)])
    except (OSError, ValueError, RuntimeError) as error:
        raise NoldoError(
            f"{array.store_path}: row {low} or one after it does not read back ({error}); see to the disk"
        ) from error
    for at, (found, expected) in enumerate(zip(read, written, strict=True)):
        if found.tobytes() != expected.tobytes():
            raise NoldoError(
                f"{array.store_path}: row {low + at} reads back other than it was written; see to the disk"
            )
        yield row_digest(found)
