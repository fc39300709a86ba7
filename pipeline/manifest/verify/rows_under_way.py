"""Rows of a shard on their way from stored chunks to digests, whatever the order in which their chunks come."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.manifest.verify.bounds import rows_at_once
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.hashing import Message
from pipeline.manifest.verify.sha256_lanes import BLOCK_BYTES
from pipeline.manifest.verify.shard_file import Extent, Memory
from pipeline.manifest.verify.shard_job import ShardJob
from pipeline.manifest.verify.shard_layout import ABSENT, ShardLayout
from pipeline.schema.crc32c import CHECKSUM_BYTES, WITH_ITS_CHECKSUM, crc32c

Bytes = NDArray[np.uint8]

OUTSIDE: Final = "a chunk lies outside the file, or is longer than any of its size"

Parts = list[tuple[Message, Bytes]]
"""What is to be hashed."""


class TooManyRowsError(Exception):
    """More rows are begun, and none of them whole, than may be held; no writer of shards makes that."""


@dataclass
class _Row:
    """One row of which some chunks have come."""

    missing: int
    """Chunks that have not come."""
    whole: Bytes | None
    """Its chunks so far, where it is to be looked at as a whole."""
    early: dict[int, Bytes] = field(default_factory=dict)
    """Chunks that came before others that are to be hashed first."""
    hashed: int = 0
    """Chunks at the beginning that are hashed, or to be hashed next."""
    damaged: bool = False
    message: Message = field(default_factory=Message)


class RowsUnderWay:
    """The rows of one shard.

    Chunks are hashed as they come, from memory that the next ones overwrite while a core's caches still have it. Only
    rows whose values are to be looked at, or whose chunks are no whole blocks of SHA-256, are kept until they are
    whole.
    """

    def __init__(self, job: ShardJob, extents: NDArray[np.uint64], memory: Memory) -> None:
        self.numbers = job.layout.rows_of(job.shard)
        self.findings: list[Finding] = []
        self._job = job
        self._size = job.layout.chunk_bytes
        self._absent = (extents == ABSENT).all(axis=-1)
        self._memory = memory
        self._rows: dict[int, _Row] = {}
        self._begun: set[int] = set()
        self._parts: Parts = []
        self._at_once = rows_at_once(job.layout.row_bytes)
        ragged = self._size % BLOCK_BYTES != 0 and job.layout.chunks_a_row > 1
        self._keep_whole = ragged or job.rows.values is not None or job.rows.shares is not None

    def add(self, chunks: Sequence[Extent], stored: Bytes, first: int) -> Parts:
        """Check and decode chunks from bytes that begin at offset `first` of the file; what is to be hashed now.

        It is to be hashed before more is added, or anything judged. Raises TooManyRowsError.
        """
        self._parts = []
        scratch = self._memory.get("decoded", 0 if self._keep_whole else len(chunks) * self._size)
        for at, (place, chunk, offset, size) in enumerate(chunks):
            row = self._rows.get(place) or self._begin(place)
            row.missing -= 1
            begin = (at if row.whole is None else chunk) * self._size
            target = (scratch if row.whole is None else row.whole)[begin : begin + self._size]
            what = _decode(self._job.layout, stored[offset - first : offset - first + size], target)
            if what is not None:
                self._damage(place, chunk, what)
            elif row.whole is None:
                self._arrive(row, chunk, target)
        self._take_whole_rows()
        return self._parts

    def _arrive(self, row: _Row, chunk: int, decoded: Bytes) -> None:
        """Queue a chunk whose turn it is, and those behind it that came early; keep another."""
        if chunk != row.hashed:
            row.early[chunk] = decoded.copy()
            return
        self._parts.append((row.message, decoded))
        row.hashed += 1
        self._take_early(row)

    def _take_early(self, row: _Row) -> None:
        while row.hashed in row.early:
            self._parts.append((row.message, row.early.pop(row.hashed)))
            row.hashed += 1

    def _take_whole_rows(self) -> None:
        for row in self._rows.values():
            if row.whole is not None and not row.missing and not row.damaged:
                self._parts.append((row.message, row.whole))

    def judge_complete(self) -> None:
        """Compare the rows of which all chunks have come, and were hashed, and give up their memory."""
        layout, rows = self._job.layout, self._job.rows
        for place in [place for place, row in self._rows.items() if not row.missing]:
            row, number = self._rows.pop(place), self.numbers[place]
            if row.damaged:
                what = "cannot be decoded: a chunk is damaged"
                self.findings.append(rows.finding("content", number, what, path=self._job.path))
            else:
                whole = None if row.whole is None else row.whole.view(layout.dtype).reshape(layout.row_shape)
                self.findings += rows.judge(number, row.message.digest(), whole, self._job.path)
            if row.whole is not None:
                self._memory.give_back(row.whole)

    def end(self) -> Iterator[Parts]:
        """Take up the rows that are left: those without any chunk, and those with chunks that lie outside the file.

        What is yielded is to be hashed, and what is complete judged, before it goes on.
        """
        self._parts = []
        for place, row in self._rows.items():
            row.missing = 0
            self._damage(place, None, OUTSIDE)
        yield self._parts
        for place in range(len(self.numbers)):
            if place not in self._begun:
                self._parts = []
                row = self._begin(place)
                if row.missing:
                    row.missing = 0
                    self._damage(place, None, OUTSIDE)
                self._take_whole_rows()
                yield self._parts

    def _begin(self, place: int) -> _Row:
        """Take up a row; chunks of it that were never written are there at once, and hold the fill value."""
        layout = self._job.layout
        if len(self._rows) >= self._at_once:
            raise TooManyRowsError(
                f"its shard's chunks lie so that more than {self._at_once} rows would have to be held"
            )
        absent = np.flatnonzero(self._absent[place]).tolist()
        whole = self._memory.borrow(layout.row_bytes) if self._keep_whole else None
        row = self._rows[place] = _Row(layout.chunks_a_row - len(absent), whole)
        self._begun.add(place)
        if absent:
            fill = np.tile(np.frombuffer(layout.fill, np.uint8), self._size // len(layout.fill))
            if whole is None:
                row.early = dict.fromkeys(absent, fill)
                self._take_early(row)
            else:
                whole.reshape(layout.chunks_a_row, self._size)[absent] = fill
        return row

    def _damage(self, place: int, chunk: int | None, what: str) -> None:
        self._rows[place].damaged = True
        number = self.numbers[place]
        within = "" if chunk is None else f" chunk {self._job.layout.chunk_name(number, chunk)}"
        self.findings.append(self._job.rows.finding("crc32c", number, what, path=self._job.path, within=within))


def _decode(layout: ShardLayout, stored: Bytes, target: Bytes) -> str | None:
    """Decode one chunk once its checksum fits; what is wrong with it, or None."""
    if layout.checksummed:
        if len(stored) < CHECKSUM_BYTES or crc32c(stored) != WITH_ITS_CHECKSUM:
            return "the chunk does not have its checksum (crc32c)"
        stored = stored[:-CHECKSUM_BYTES]
    try:
        layout.decode(stored, target)
    except (ValueError, RuntimeError) as error:
        return f"the chunk cannot be decoded: {error}"
    return None
