"""What a build staged last, found by the times of its files: the log tells of whole parts only."""

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
    parts = [path / LABELS if path.suffix == ".zarr" else path for path in _entries(folder)]
    dated = sorted(((about.st_mtime, path) for path in parts if (about := _stat(path)) is not None), reverse=True)
    return sorted((found for _, path in dated[:PARTS] for found in _within(path)), reverse=True)[:number]


def _within(part: Path) -> Iterator[Staged]:
    for path in _entries(part):
        chunk = _CHUNK.fullmatch(path.name) if part.name == LABELS else None
        if chunk is None and path.suffix != ".npz":
            continue
        about = _stat(path)
        if about is not None and about.st_size:
            row, whole = (int(chunk[1]), part.parent) if chunk else (None, path)
            yield Staged(about.st_mtime, whole, row)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
