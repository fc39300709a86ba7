"""The event log of a run: one JSON object a line, appended to a file, or in segments in object storage."""

import io
import json
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from pipeline.files import file_sizes, is_file, is_local, listed, make_folder, write_bytes
from pipeline.schema.paths import AnyPath

FLUSH_S: Final = 5.0
"""How long an event may wait before it is put into object storage."""

SEGMENT_BYTES: Final = 2**20
"""A segment is put anew, longer, until it has this size; the next lines begin another."""


class EventLog:
    """Appends events to `events.jsonl`, or to segments `events/<time>-<n>.jsonl` beside it in object storage.

    May be used from any thread. In object storage lines appear after FLUSH_S at the latest, and on `close`.
    """

    def __init__(self, path: AnyPath, flush_s: float = FLUSH_S) -> None:
        """`path` is that of events.jsonl, whether it is there or not."""
        self._writer: _FileWriter | _SegmentWriter
        self._writer = _FileWriter(path) if is_local(path) else _SegmentWriter(path.with_suffix(""), flush_s)

    def append(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Add events in order, each a line of plain data."""
        if events:
            self._writer.write("".join(json.dumps(event) + "\n" for event in events))

    def close(self) -> None:
        """Write what is still waiting; OSError where it cannot be written."""
        self._writer.close()


def read_events(path: AnyPath) -> Iterator[dict[str, Any]]:
    """Every event of a log, oldest run first; what is no event, such as a half-written last line, is passed over."""
    for lines in _open_all(path):
        with lines:
            for line in lines:
                event = _parsed(line)
                if event is not None:
                    yield event


class EventTail:
    """Reads an event log as it grows: every call of `new` gives what was written since the last one."""

    def __init__(self, path: AnyPath) -> None:
        """`path` is that of events.jsonl, whether it is there yet or not."""
        self._path = path
        self._read: dict[str, int] = {}
        """Bytes taken of every file of the log; those of a line that is not whole yet are not."""

    def new(self) -> Iterator[dict[str, Any]]:
        """Every event since the last call, oldest first; what is no event is passed over."""
        if is_file(self._path):
            yield from self._grown(self._path)
        if not is_local(self._path):
            folder = self._path.with_suffix("")
            sizes = file_sizes(folder)
            for name in sorted(sizes):
                if name.endswith(".jsonl") and sizes[name] > self._read.get(str(folder / name), 0):
                    yield from self._grown(folder / name)

    def _grown(self, file: AnyPath) -> Iterator[dict[str, Any]]:
        begin = self._read.get(str(file), 0)
        with file.open("rb") if is_local(file) else io.BytesIO(file.read_bytes()) as lines:
            lines.seek(begin)
            for line in lines:
                if not line.endswith(b"\n"):
                    return
                begin += len(line)
                self._read[str(file)] = begin
                event = _parsed(line.decode("utf-8", errors="replace"))
                if event is not None:
                    yield event


def _open_all(path: AnyPath) -> Iterator[TextIO]:
    if is_file(path):
        yield path.open("r", encoding="utf-8")
    if not is_local(path):
        for segment in listed(path.with_suffix(""), "*.jsonl"):
            yield io.StringIO(segment.read_bytes().decode("utf-8", errors="replace"))


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


class _FileWriter:
    def __init__(self, path: AnyPath) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._checked = False

    def write(self, text: str) -> None:
        with self._lock:
            if not self._checked:
                make_folder(self._path.parent)
                text = self._end_of_half_a_line() + text
                self._checked = True
            try:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(text)
            except OSError as error:
                self._checked = False  # half a line may stand there
                if error.errno is not None:
                    error.filename = error.filename or str(self._path)
                raise

    def close(self) -> None:
        """Nothing waits."""

    def _end_of_half_a_line(self) -> str:
        """A newline where a killed build left its last line without one."""
        if not self._path.exists() or self._path.stat().st_size == 0:
            return ""
        with self._path.open("rb") as file:
            file.seek(-1, io.SEEK_END)
            return "" if file.read(1) == b"\n" else "\n"


class _SegmentWriter:
    def __init__(self, folder: AnyPath, flush_s: float) -> None:
        self._folder = folder
        self._flush_s = flush_s
        # Segments of one run sort by number, those of two runs by the time at which they began.
        self._stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:6]}"
        self._segment = 0
        self._text = bytearray()
        self._written = 0
        self._lock, self._one_flush = threading.Lock(), threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def write(self, text: str) -> None:
        with self._lock:
            self._text += text.encode()
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._keep_flushing, name="event log", daemon=True)
                self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread is not None:
            self._thread.join()
        self._flush()

    def _keep_flushing(self) -> None:
        while not self._closing.wait(self._flush_s):
            try:
                self._flush()
            except Exception:  # noqa: BLE001, S112 - the lines are kept; the next turn, or close, tries again
                continue

    def _flush(self) -> None:
        with self._one_flush:
            with self._lock:
                text = bytes(self._text)
            if len(text) == self._written:
                return
            write_bytes(self._folder / f"{self._stamp}-{self._segment:05d}.jsonl", text)
            self._written = len(text)
            if len(text) >= SEGMENT_BYTES:
                with self._lock:
                    del self._text[: len(text)]
                self._segment, self._written = self._segment + 1, 0
