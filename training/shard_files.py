"""The shard files of one array, read in parts: from a disk, or from object storage by range requests.

A read is begun first and waited for later, so that requests to object storage run side by side; a disk is read at the
second step, into memory that the reading thread keeps. (A memory map would save that copy and pay for it with a page
fault for every 4 KB seen for the first time, which costs several times more.)
"""

import errno
import os
import resource
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.schema.paths import AnyPath
from training.store_files import FAILURES, PATIENCE_S, open_files, reason

Part = Callable[[], NDArray[np.uint8]]
"""Waits for bytes that were asked for, valid until the same thread waits for others; errors as the files' begin."""


class CutShortError(OSError):
    """A file is there, but not the whole of it."""


class ShardFiles(Protocol):
    """Files of an array, by their names in its folder."""

    def end(self, name: str, size: int) -> NDArray[np.uint8]:
        """The last bytes of a file. OSError where it cannot be read, CutShortError where it is shorter."""
        ...

    def begin(self, name: str, start: int, size: int) -> Part:
        """Ask for `size` bytes from `start` on, of a file whose end was read; errors as `end`, here or on waiting."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


def shard_files(folder: AnyPath) -> ShardFiles:
    """The files of an array's folder."""
    return DiskFiles(folder) if isinstance(folder, Path) else BucketFiles(folder)


class DiskFiles:
    """Files on a disk, open once they were read from; a whole data set is some thousands."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, int] = {}
        self._own = threading.local()

    def end(self, name: str, size: int) -> NDArray[np.uint8]:
        """The last bytes of a file."""
        file = self.descriptor(name)
        read = np.empty(size, np.uint8)
        if os.preadv(file, [read.data], max(os.fstat(file).st_size - size, 0)) != size:
            raise CutShortError("the file is cut short")
        return read

    def begin(self, name: str, start: int, size: int) -> Part:
        """A read that is done when it is waited for."""

        def read() -> NDArray[np.uint8]:
            memory = self._memory(size)
            if os.preadv(self.descriptor(name), [memory.data], start) != size:
                raise CutShortError("the file is cut short")
            return memory

        return read

    def close(self) -> None:
        """Close the files."""
        while self._open:
            os.close(self._open.popitem()[1])

    def descriptor(self, name: str) -> int:
        """The descriptor of a file, which is opened where it was not yet; OSError where it cannot be."""
        found = self._open.get(name)
        if found is not None:
            return found
        opened = _descriptor(self._folder / name)
        kept = self._open.setdefault(name, opened)
        if kept != opened:  # another thread was first
            os.close(opened)
        return kept

    def _memory(self, size: int) -> NDArray[np.uint8]:
        """The first `size` bytes of memory that belongs to this thread and array."""
        kept: NDArray[np.uint8] | None = getattr(self._own, "memory", None)
        if kept is None or len(kept) < size:
            kept = self._own.memory = np.empty(2 * size, np.uint8)
        return kept[:size]


class BucketFiles:
    """Objects of a bucket, read by ranges."""

    def __init__(self, folder: AnyPath) -> None:
        self._files = open_files(folder)

    def end(self, name: str, size: int) -> NDArray[np.uint8]:
        """The last bytes of an object, by a range that counts from its end."""
        return self._part(name, slice(-size, None), size)()

    def begin(self, name: str, start: int, size: int) -> Part:
        """A request that is under way already."""
        return self._part(name, slice(start, start + size), size)

    def close(self) -> None:
        """Nothing stays open."""

    def _part(self, name: str, wanted: slice, size: int) -> Part:
        asked: Any = self._files.read(name, byte_range=wanted)

        def wait() -> NDArray[np.uint8]:
            try:
                answer = asked.result(timeout=PATIENCE_S)
            except FAILURES as error:
                if "OUT_OF_RANGE" in str(error):
                    raise CutShortError("the file is cut short") from error
                raise OSError(reason(error)) from error
            if answer.state == "missing":
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            return np.frombuffer(answer.value, np.uint8, count=size)

        return wait


def _descriptor(path: Path) -> int:
    """A descriptor that stays open; more may be needed than most shells allow."""
    try:
        return os.open(path, os.O_RDONLY)
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        return os.open(path, os.O_RDONLY)
