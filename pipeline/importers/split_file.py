"""A file that was cut in pieces for its publication, read as if it were whole."""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from typing_extensions import Buffer

from pipeline.schema.errors import UsageError

_PIECE = re.compile(r"(?P<whole>.+\.part)(?P<at>[a-z]{2,})")


def split_parts(path: Path) -> list[Path]:
    """The pieces of a file as the program split names them (.partaa, .partab, ...), or the file alone.

    `path` is the first piece. Raises UsageError where one between the first and the last is not there.
    """
    found = _PIECE.fullmatch(path.name)
    if found is None:
        return [path]
    names = sorted(p.name for p in path.parent.glob(f"{found['whole']}*") if _PIECE.fullmatch(p.name))
    expected = [found["whole"] + at for at in _suffixes(len(names), len(found["at"]))]
    for name, wanted in zip(names, expected, strict=True):
        if name != wanted:
            raise UsageError(f"{path.parent / wanted} is not there, but later pieces of the archive are; fetch it")
    return [path.parent / name for name in names]


def is_later_piece(path: Path) -> bool:
    """Whether a file is a piece of another than its first."""
    found = _PIECE.fullmatch(path.name)
    return found is not None and set(found["at"]) != {"a"}


def _suffixes(count: int, length: int) -> list[str]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    made = []
    for number in range(count):
        digits, rest = "", number
        for _ in range(length):
            rest, digit = divmod(rest, len(letters))
            digits = letters[digit] + digits
        made.append(digits)
    return made


class SplitFile(io.RawIOBase):
    """The pieces one after another, read forwards only."""

    def __init__(self, parts: Sequence[Path]) -> None:
        """Open nothing yet; `parts` are in order."""
        super().__init__()
        self._waiting = list(parts)
        self._file: IO[bytes] | None = None

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Fill as much of the buffer as the current piece has; 0 at the end of the last."""
        view = memoryview(buffer)
        while True:
            if self._file is None:
                if not self._waiting:
                    return 0
                self._file = self._waiting.pop(0).open("rb")
            data = self._file.read(len(view))
            if data:
                view[: len(data)] = data
                return len(data)
            self._file.close()
            self._file = None

    def close(self) -> None:
        """Close the piece that is being read."""
        if self._file is not None:
            self._file.close()
            self._file = None
        super().close()
