"""What one pass over a shard's bytes can tell: its SHA-256, its chunks' crc32c, its rows' digests and values."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.manifest.verify.expected import ExpectedRows
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.hashing import Message, take
from pipeline.manifest.verify.shard_file import Memory, OpenFile, Window, opened, read_index, windows
from pipeline.manifest.verify.shard_layout import ABSENT, ShardLayout
from pipeline.manifest.verify.two_lanes import BLOCK_BYTES
from pipeline.schema.crc32c import CHECKSUM_BYTES, WITH_ITS_CHECKSUM, crc32c
from pipeline.schema.paths import AnyPath

HASHED_BYTES = 4 * 2**20
"""Of a file of which nothing but the SHA-256 is wanted, read at a time."""

OnBytes = Callable[[int], None]
"""Told of the bytes read since it was last told; may raise to end the reading."""


@dataclass
class Checked:
    """What was found in one file, or one block of rows."""

    findings: list[Finding] = field(default_factory=list)
    bytes: int = 0
    """Of files, as stored."""
    rows: int = 0
    """Rows of arrays whose content was compared."""


@dataclass(frozen=True)
class ShardJob:
    """One shard to check."""

    rows: ExpectedRows
    layout: ShardLayout
    shard: int
    sha256: str | None
    """Published, in hexadecimal; None where the file is not to be compared."""

    @property
    def path(self) -> str:
        """Of the file, relative to the data set's folder."""
        return f"{self.rows.path}/{self.layout.file(self.shard)}"


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
            rows = job.layout.rows_of(job.shard)
            end = file.size - job.layout.index_bytes - CHECKSUM_BYTES
            for window in windows(extents, len(rows), end, job.layout.row_bytes):
                _check_window(job, window, extents, whole, memory, checked)
            checked.rows = len(rows)
        whole.finish(checked, job.path, job.sha256)
    return checked


def _unusable(job: ShardJob, what: str) -> Iterator[Finding]:
    array = job.rows
    yield Finding("crc32c", f"{job.path} index", what, path=job.path, store=array.store, array=array.array)
    for row in job.layout.rows_of(job.shard):
        yield array.finding("content", row, "cannot be read: where it lies is lost", path=job.path)


def _check_window(
    job: ShardJob, window: Window, extents: NDArray[np.uint64], whole: "_Whole", memory: Memory, checked: Checked
) -> None:
    """Check the chunks of some rows, and hash them and the file's bytes up to there."""
    stored, first = whole.read(window.stop, hashed=job.sha256 is not None)
    layout = job.layout
    decoded = memory.get("decoded", len(window.rows) * layout.row_bytes).reshape(len(window.rows), layout.row_bytes)
    readable: list[tuple[int, NDArray[np.uint8], Message]] = []
    for target, place in zip(decoded, window.rows, strict=True):
        row = job.layout.rows_of(job.shard)[place]
        damages = list(_decode_row(job, row, extents[place], stored, first, target))
        checked.findings += damages
        if not damages:
            readable.append((row, target, Message()))
    parts = [(message, target) for _, target, message in readable]
    if job.sha256 is not None:
        parts.insert(0, (whole.message, whole.unhashed(stored, first, window.stop)))
    take(parts)
    for row, target, message in readable:
        values = target.view(layout.dtype).reshape(layout.row_shape)
        checked.findings += job.rows.judge(row, message.digest(), values, job.path)


def _decode_row(
    job: ShardJob,
    row: int,
    extents: NDArray[np.uint64],
    stored: NDArray[np.uint8],
    first: int,
    target: NDArray[np.uint8],
) -> Iterator[Finding]:
    """Decode a row's chunks from bytes that begin at offset `first` of the file, into `target`; what is damaged."""
    layout = job.layout
    damaged = False
    for chunk, (part, (offset, size)) in enumerate(
        zip(target.reshape(layout.chunks_a_row, layout.chunk_bytes), extents.tolist(), strict=True)
    ):
        if offset == size == ABSENT:
            part.reshape(-1, layout.dtype.itemsize)[:] = np.frombuffer(layout.fill, np.uint8)
            continue
        what = (
            _decode_chunk(layout, stored[offset - first : offset - first + size], size, part)
            if first <= offset <= offset + size <= first + len(stored)
            else "lies outside the file"
        )
        if what is not None:
            damaged = True
            yield job.rows.finding("crc32c", row, what, path=job.path, within=f" chunk {layout.chunk_name(row, chunk)}")
    if damaged:
        yield job.rows.finding("content", row, "cannot be decoded: a chunk is damaged", path=job.path)


def _decode_chunk(layout: ShardLayout, stored: NDArray[np.uint8], size: int, target: NDArray[np.uint8]) -> str | None:
    """Decode one chunk once its checksum fits; what is wrong with it, or None."""
    if layout.checksummed:
        if size < CHECKSUM_BYTES or crc32c(stored) != WITH_ITS_CHECKSUM:
            return "the chunk does not have its checksum (crc32c)"
        stored = stored[:-CHECKSUM_BYTES]
    try:
        layout.decode(stored, target)
    except (ValueError, RuntimeError) as error:
        return f"the chunk cannot be decoded: {error}"
    return None


class _Whole:
    """A file read from its beginning to its end, once, and its SHA-256 on the way."""

    def __init__(self, file: OpenFile, on_bytes: OnBytes) -> None:
        self.message = Message()
        self._file = file
        self._on_bytes = on_bytes
        self._read = 0
        self._hashed = 0

    def read(self, stop: int, *, hashed: bool) -> tuple[NDArray[np.uint8], int]:
        """The bytes that come next, up to `stop`, and the offset at which they begin.

        Hashing takes whole blocks of 64 bytes, so some of what was read before may come once more.
        """
        first = self._hashed if hashed else self._read
        stop = max(first, stop)
        data = self._file.read(first, stop)
        self._on_bytes(stop - self._read)
        self._read = stop
        return data, first

    def unhashed(self, data: NDArray[np.uint8], first: int, stop: int) -> NDArray[np.uint8]:
        """Of bytes that begin at `first` those that are to be hashed now; they count as hashed from here on."""
        blocks = max(0, stop - first) // BLOCK_BYTES * BLOCK_BYTES
        self._hashed = first + blocks
        return data[:blocks]

    def finish(self, checked: Checked, name: str, sha256: str | None) -> None:
        """Read what is left of the file, and compare its SHA-256 where one was published."""
        checked.bytes = self._file.size
        if sha256 is None:
            self._on_bytes(self._file.size - self._read)
            return
        while self._file.size - self._read > HASHED_BYTES:
            data, first = self.read(self._read + HASHED_BYTES, hashed=True)
            take([(self.message, self.unhashed(data, first, self._read))])
        data, _ = self.read(self._file.size, hashed=True)
        take([(self.message, data)])
        found = self.message.digest().hex()
        if found != sha256:
            what = f"SHA-256 {found[:12]}..., listed {sha256[:12]}..."
            checked.findings.append(Finding("checksums", name, what, path=name))
