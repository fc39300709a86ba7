"""What a build staged last, found by the times of its files: the log tells of whole parts only."""

import heapq
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PARTS: Final = 4
"""Parts that are looked into, those that were written to last: a large build has thousands."""

LABELS: Final = "dw"
"""Array of a location's part that is written last: a row whose chunk is there is there as a whole."""

_CHUNK: Final = re.compile(r"c\.(\d+)\.0\.0\.0")
"""A row's labels; not those under a temporary name."""


@dataclass(frozen=True, order=True)
class Staged:
    """A location's row in a part, or the file of a tile."""

    at_s: float
    """When it was staged, seconds since 1970."""
    path: Path
    """The part of the location, or the tile's own file."""
    row: int | None = None
    """None where `path` is a tile's."""


def newest_staged(folder: Path, number: int) -> list[Staged]:
    """At most `number` of what lies under `folder` (a run's tiles/), the newest first; none where there is no folder.

    What is gone by the time it is looked at is passed over, and so are rows that have been freed.
    """
    names = (f"{name}/{LABELS}" if name.endswith(".zarr") else name for name in _names(folder))
    found = ((about.st_mtime, name) for name in names if (about := _stat(f"{folder}/{name}")) is not None)
    parts = [folder / name for _, name in heapq.nlargest(PARTS, found)]
    return heapq.nlargest(number, (staged for part in parts for staged in _within(part)))


def _within(part: Path) -> Iterator[Staged]:
    for name in _names(part):
        chunk = _CHUNK.fullmatch(name) if part.name == LABELS else None
        if chunk is None and not name.endswith(".npz"):
            continue
        about = _stat(f"{part}/{name}")
        if about is not None and about.st_size:
            row, whole = (int(chunk[1]), part.parent) if chunk else (None, part / name)
            yield Staged(about.st_mtime, whole, row)


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except OSError:
        return []


def _stat(path: str) -> os.stat_result | None:
    """Of text, not of a Path: of a large build's thousands of parts that takes a quarter of the time."""
    try:
        return os.stat(path)  # noqa: PTH116
    except OSError:
        return None
