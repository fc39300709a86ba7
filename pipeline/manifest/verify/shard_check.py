"""What one pass over a shard's bytes can tell: its SHA-256, its chunks' crc32c, its rows' digests and values."""

from collections.abc import Callable, Generator, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.files import is_storage_error
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.hashing import Message, take
from pipeline.manifest.verify.rows_under_way import Parts, RowsUnderWay, TooManyRowsError
from pipeline.manifest.verify.sha256_lanes import BLOCK_BYTES
from pipeline.manifest.verify.shard_file import Batch, Memory, OpenFile, batches, opened, read_index
from pipeline.manifest.verify.shard_job import Checked, ShardJob, lost_rows
from pipeline.schema.crc32c import CHECKSUM_BYTES
from pipeline.schema.paths import AnyPath

HASHED_BYTES = 4 * 2**20
"""Of a file of which nothing but the SHA-256 is wanted, read at a time."""

OnBytes = Callable[[int], None]
"""Told of the bytes read since it was last told; may raise to end the reading."""


Reading = Generator[Parts, None, None]
"""Yields what is to be hashed, with that done when it goes on."""


def check_file(path: AnyPath, name: str, sha256: str, memory: Memory, on_bytes: OnBytes) -> Checked:
    """Compare a file's SHA-256 with the published one."""
    checked = Checked()
    with opened(path, memory, lambda: on_bytes(0)) as file:
        for parts in _Whole(file, on_bytes).finish(checked, name, sha256):
            take(parts)
    return checked


def check_shards(
    root: AnyPath, jobs: Sequence[ShardJob], memories: Sequence[Memory], on_bytes: OnBytes
) -> list[Checked | Exception]:
    """Check shard files side by side, each with a memory of its own; in place of what could not be read, the error.

    `on_bytes` is told of the bytes read since it was last told, and may raise to end the reading.
    """
    found = [Checked() for _ in jobs]
    done: list[Checked | Exception] = [*found]
    readings = {at: _check_shard(root, job, memories[at], on_bytes, found[at]) for at, job in enumerate(jobs)}
    while readings:
        parts: Parts = []
        for at, reading in list(readings.items()):
            try:
                parts += next(reading)
            except StopIteration:
                del readings[at]
            except Exception as error:
                if not is_reading(error):
                    raise
                done[at] = error
                del readings[at]
        take(parts)
    return done


def is_reading(error: Exception) -> bool:
    """Whether a file could not be read, as against a defect of ours."""
    return isinstance(error, OSError) or is_storage_error(error)


def _check_shard(root: AnyPath, job: ShardJob, memory: Memory, on_bytes: OnBytes, checked: Checked) -> Reading:
    with opened(root / job.path, memory, lambda: on_bytes(0)) as file:
        whole = _Whole(file, on_bytes)
        extents = read_index(file, job.layout)
        if isinstance(extents, str):
            checked.findings += _unusable(job, extents)
        else:
            rows = RowsUnderWay(job, extents, memory)
            end = file.size - job.layout.index_bytes - CHECKSUM_BYTES
            try:
                for batch in batches(extents[: len(rows.numbers)], end, job.layout.chunk_bytes):
                    if job.sha256 is not None:
                        yield from whole.hash_up_to(batch.start)
                    yield _check_batch(job, batch, whole, rows)
                    rows.judge_complete()
                for parts in rows.end():
                    yield parts
                    rows.judge_complete()
            except TooManyRowsError as error:
                checked.findings += lost_rows(job, str(error))
            else:
                checked.findings += rows.findings
                checked.rows = len(rows.numbers)
        yield from whole.finish(checked, job.path, job.sha256)


def _unusable(job: ShardJob, what: str) -> Iterator[Finding]:
    array = job.rows
    yield Finding("crc32c", f"{job.path} index", what, path=job.path, store=array.store, array=array.array)
    yield from lost_rows(job, "where it lies is lost")


def _check_batch(job: ShardJob, batch: Batch, whole: "_Whole", rows: RowsUnderWay) -> Parts:
    """Check and decode the chunks of a batch; they are to be hashed, and the file's bytes up to there."""
    stored, first = whole.read(batch.start, batch.stop, hashed=job.sha256 is not None)
    parts = rows.add(batch.chunks, stored, first)
    if job.sha256 is not None:
        parts.append((whole.message, whole.unhashed(stored, first, batch.stop)))
    return parts


class _Whole:
    """A file read from its beginning to its end, once, and its SHA-256 on the way."""

    def __init__(self, file: OpenFile, on_bytes: OnBytes) -> None:
        self.message = Message()
        self._file = file
        self._on_bytes = on_bytes
        self._read = 0
        self._hashed = 0

    def read(self, start: int, stop: int, *, hashed: bool) -> tuple[NDArray[np.uint8], int]:
        """The bytes up to `stop`, and the offset at which they begin, `start` or one before it.

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

    def hash_up_to(self, stop: int) -> Reading:
        """Hash what nobody asks for in pieces, until less than one is left before `stop`."""
        while stop - self._read > HASHED_BYTES:
            data, first = self.read(self._read, self._read + HASHED_BYTES, hashed=True)
            yield [(self.message, self.unhashed(data, first, self._read))]

    def finish(self, checked: Checked, name: str, sha256: str | None) -> Reading:
        """Read what is left of the file, and compare its SHA-256 where one was published."""
        checked.bytes = self._file.size
        if sha256 is None:
            self._on_bytes(self._file.size - self._read)
            return
        yield from self.hash_up_to(self._file.size)
        data, first = self.read(self._read, self._file.size, hashed=True)
        yield [(self.message, data[self._hashed - first :])]
        found = self.message.digest().hex()
        if found != sha256:
            what = f"SHA-256 {found[:12]}..., listed {sha256[:12]}..."
            checked.findings.append(Finding("checksums", name, what, path=name))
