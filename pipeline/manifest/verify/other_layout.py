"""Rows of arrays that lie in their files in any other way, read by zarr: a copy that somebody packed anew."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.files import is_storage_error
from pipeline.manifest.verify.expected import ExpectedRows
from pipeline.manifest.verify.hashing import Message, take
from pipeline.manifest.verify.shard_job import Checked
from pipeline.tile_arrays import UNREADABLE

BLOCK_BYTES: Final = 64 * 2**20
"""Decoded bytes read at a time, at least one row."""


@dataclass(frozen=True)
class BlockJob:
    """Some rows of one array, all in the same outer chunk where that is not too large."""

    rows: ExpectedRows
    array: Any
    block: range


def blocks(rows: ExpectedRows, array: Any) -> Iterator[BlockJob]:
    """Cut an array along its outer chunks, and these where they are large."""
    outer = (array.shards or array.chunks)[0]
    row_bytes = max(1, int(np.prod(array.shape[1:], dtype=np.float64)) * array.dtype.itemsize)
    step = max(1, BLOCK_BYTES // row_bytes)
    for first in range(0, array.shape[0], outer):
        last = min(first + outer, array.shape[0])
        for start in range(first, last, step):
            yield BlockJob(rows, array, range(start, min(start + step, last)))


def check_block(job: BlockJob) -> Checked:
    """Compare the rows of a block with their digests, and look at their values."""
    checked = Checked(rows=len(job.block))
    read = _read(job, job.block)
    if not isinstance(read, str):
        _compare(job, job.block, read, checked)
        return checked
    for row in job.block:  # which of them it is that cannot be read
        one = _read(job, range(row, row + 1))
        if not isinstance(one, str):
            _compare(job, range(row, row + 1), one, checked)
            continue
        if "checksum" in one.lower():
            checked.findings.append(job.rows.finding("crc32c", row, one))
        checked.findings.append(job.rows.finding("content", row, f"cannot be read: {one}"))
    return checked


def _read(job: BlockJob, rows: range) -> NDArray[Any] | str:
    """Some rows, little-endian, or why they cannot be read."""
    try:
        values = np.asarray(job.array[rows.start : rows.stop])
        return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    except Exception as error:
        if not isinstance(error, (*UNREADABLE, TypeError, ArithmeticError, MemoryError)) and not is_storage_error(
            error
        ):
            raise
        return (str(error).splitlines() or [type(error).__name__])[0]


def _compare(job: BlockJob, block: range, values: NDArray[Any], checked: Checked) -> None:
    flat = values.reshape(len(block), -1).view(np.uint8)
    messages = [Message() for _ in block]
    take(list(zip(messages, flat, strict=True)))
    for row, message, row_values in zip(block, messages, values, strict=True):
        checked.findings += job.rows.judge(row, message.digest(), row_values, None)
