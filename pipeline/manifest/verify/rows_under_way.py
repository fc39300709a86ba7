"""Rows of a shard on their way from stored chunks to digests, whatever the order in which their chunks come."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.hashing import Message
from pipeline.manifest.verify.sha256_lanes import BLOCK_BYTES
from pipeline.manifest.verify.shard_file import Memory
from pipeline.manifest.verify.shard_job import ShardJob
from pipeline.manifest.verify.shard_layout import ABSENT, ShardLayout
from pipeline.schema.crc32c import CHECKSUM_BYTES, WITH_ITS_CHECKSUM, crc32c

Bytes = NDArray[np.uint8]


@dataclass
class _Row:
    """One row of which some chunks have come."""

    decoded: Bytes
    there: list[bool]
    """Of every chunk, whether it lies in `decoded`."""
    missing: int
    """Chunks that have not come."""
    hashed: int = 0
    """Chunks at the beginning that are hashed."""
    damaged: bool = False
    message: Message = field(default_factory=Message)


class RowsUnderWay:
    """The rows of one shard; of each, memory is held from its first chunk to its last."""

    def __init__(self, job: ShardJob, extents: NDArray[np.uint64], memory: Memory) -> None:
        self.numbers = job.layout.rows_of(job.shard)
        self.findings: list[Finding] = []
        self._job = job
        self._layout = job.layout
        self._absent = (extents == ABSENT).all(axis=-1)
        self._memory = memory
        self._rows: dict[int, _Row] = {}
        self._seen: set[int] = set()
        # Parts that are no whole blocks cannot be followed by others: such rows are hashed once they are whole.
        self._by_chunk = self._layout.chunk_bytes % BLOCK_BYTES == 0

    def add(self, place: int, chunk: int, stored: Bytes) -> None:
        """Check and decode a chunk of the row at that place in the shard."""
        row = self._rows.get(place) or self._begin(place)
        row.missing -= 1
        begin = chunk * self._layout.chunk_bytes
        what = _decode(self._layout, stored, row.decoded[begin : begin + self._layout.chunk_bytes])
        if what is None:
            row.there[chunk] = True
        else:
            self._damage(place, chunk, what)

    def hashable(self) -> list[tuple[Message, Bytes]]:
        """What of the rows can be hashed now; it counts as hashed from here on."""
        parts = []
        for row in self._rows.values():
            ready = row.hashed
            while ready < len(row.there) and row.there[ready]:
                ready += 1
            if ready > row.hashed and not row.damaged and (self._by_chunk or ready == len(row.there)):
                size = self._layout.chunk_bytes
                parts.append((row.message, row.decoded[row.hashed * size : ready * size]))
                row.hashed = ready
        return parts

    def judge_complete(self) -> None:
        """Compare the rows of which all chunks have come, and were hashed, and give up their memory."""
        for place in [place for place, row in self._rows.items() if not row.missing]:
            row, number = self._rows.pop(place), self.numbers[place]
            if row.damaged:
                what = "cannot be decoded: a chunk is damaged"
                self.findings.append(self._job.rows.finding("content", number, what, path=self._job.path))
            else:
                values = row.decoded.view(self._layout.dtype).reshape(self._layout.row_shape)
                self.findings += self._job.rows.judge(number, row.message.digest(), values, self._job.path)
            self._memory.give_back(row.decoded)

    def end(self) -> list[tuple[Message, Bytes]]:
        """Take up the rows that are left: those without any chunk, and those with chunks that lie outside the file.

        What is to be hashed before they are judged is returned.
        """
        for place in range(len(self.numbers)):
            if place not in self._seen:
                self._begin(place)
        for place, row in self._rows.items():
            if row.missing:
                row.missing = 0
                self._damage(place, row.there.index(False), "the chunk lies outside the file")
        return self.hashable()

    def _begin(self, place: int) -> _Row:
        """Take up a row; chunks of it that were never written are there at once, and hold the fill value."""
        layout = self._layout
        decoded = self._memory.borrow(layout.row_bytes)
        absent = self._absent[place].tolist()
        row = self._rows[place] = _Row(decoded, absent, absent.count(False))
        self._seen.add(place)
        if any(absent):
            fill = np.frombuffer(layout.fill, np.uint8)
            decoded.reshape(layout.chunks_a_row, -1, len(fill))[absent] = fill
        return row

    def _damage(self, place: int, chunk: int, what: str) -> None:
        self._rows[place].damaged = True
        number = self.numbers[place]
        within = f" chunk {self._layout.chunk_name(number, chunk)}"
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
