"""What one pass over a shard's bytes can tell: its SHA-256, its chunks' crc32c, its rows' digests and values."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.hashing import Message, take
from pipeline.manifest.verify.rows_under_way import RowsUnderWay
from pipeline.manifest.verify.shard_file import Batch, Memory, OpenFile, batches, opened, read_index
from pipeline.manifest.verify.shard_job import Checked, ShardJob
from pipeline.manifest.verify.two_lanes import BLOCK_BYTES
from pipeline.schema.crc32c import CHECKSUM_BYTES
from pipeline.schema.paths import AnyPath

HASHED_BYTES = 4 * 2**20
"""Of a file of which nothing but the SHA-256 is wanted, read at a time."""

OnBytes = Callable[[int], None]
"""Told of the bytes read since it was last told; may raise to end the reading."""


def check_file(path: AnyPath, name: str, sha256: str, memory: Memory, on_bytes: OnBytes) -> Checked:
    """Compare a file's SHA-256 with the published one."""
    checked = Checked()
    with opened(path, memory) as file:
        whole = _Whole(file, on_bytes)
        whole.finish(checked, name, sha256)
    return checked


def check_shard(root: AnyPath, job: ShardJob, memory: Memory, on_bytes: OnBytes) -> Checked:
    """Check one shard file; OSError where it cannot be read."""
    checked = Checked()
    with opened(root / job.path, memory) as file:
        whole = _Whole(file, on_bytes)
        extents = read_index(file, job.layout)
        if isinstance(extents, str):
            checked.findings += _unusable(job, extents)
        else:
            rows = RowsUnderWay(job, extents, memory)
            end = file.size - job.layout.index_bytes - CHECKSUM_BYTES
            for batch in batches(extents[: len(rows.numbers)], end, job.layout.chunk_bytes):
                _check_batch(job, batch, whole, rows)
            rows.end()
            checked.findings += rows.findings
            checked.rows = len(rows.numbers)
        whole.finish(checked, job.path, job.sha256)
    return checked


def _unusable(job: ShardJob, what: str) -> Iterator[Finding]:
    array = job.rows
    yield Finding("crc32c", f"{job.path} index", what, path=job.path, store=array.store, array=array.array)
    for row in job.layout.rows_of(job.shard):
        yield array.finding("content", row, "cannot be read: where it lies is lost", path=job.path)


def _check_batch(job: ShardJob, batch: Batch, whole: "_Whole", rows: RowsUnderWay) -> None:
    """Check and decode the chunks of a batch, and hash them and the file's bytes up to there."""
    stored, first = whole.read(min(batch.start, whole.stop), batch.stop, hashed=job.sha256 is not None)
    for at in batch.chunks:
        rows.add(at.row, at.chunk, stored[at.offset - first : at.offset - first + at.size])
    parts = rows.hashable()
    if job.sha256 is not None:
        parts.insert(0, (whole.message, whole.unhashed(stored, first, batch.stop)))
    take(parts)
    rows.judge_complete()


class _Whole:
    """A file read from its beginning to its end, once, and its SHA-256 on the way."""

    def __init__(self, file: OpenFile, on_bytes: OnBytes) -> None:
        self.message = Message()
        self._file = file
        self._on_bytes = on_bytes
        self._read = 0
        self._hashed = 0

    @property
    def stop(self) -> int:
        """Offset behind the last byte that was read."""
        return self._read

    def read(self, start: int, stop: int, *, hashed: bool) -> tuple[NDArray[np.uint8], int]:
        """The bytes that come next, up to `stop`, and the offset at which they begin, `start` or one before it.

        What is hashed must not be left out, and is taken in whole blocks of 64 bytes, so some bytes come once more.
        """
        first = min(start, self._hashed) if hashed else start
        data = self._file.read(first, stop)
        self._on_bytes(stop - self._read)
        self._read = max(self._read, stop)
        return data, first

    def unhashed(self, data: NDArray[np.uint8], first: int, stop: int) -> NDArray[np.uint8]:
        """Of bytes that begin at `first` those that are to be hashed now; they count as hashed from here on."""
        begin = self._hashed
        self._hashed = max(begin, begin + (stop - begin) // BLOCK_BYTES * BLOCK_BYTES)
        return data[begin - first : self._hashed - first]

    def finish(self, checked: Checked, name: str, sha256: str | None) -> None:
        """Read what is left of the file, and compare its SHA-256 where one was published."""
        checked.bytes = self._file.size
        if sha256 is None:
            self._on_bytes(self._file.size - self._read)
            return
        while self._file.size - self._read > HASHED_BYTES:
            data, first = self.read(self._read, self._read + HASHED_BYTES, hashed=True)
            take([(self.message, self.unhashed(data, first, self._read))])
        data, first = self.read(self._read, self._file.size, hashed=True)
        take([(self.message, data[self._hashed - first :])])
        found = self.message.digest().hex()
        if found != sha256:
            what = f"SHA-256 {found[:12]}..., listed {sha256[:12]}..."
            checked.findings.append(Finding("checksums", name, what, path=name))
