"""One thing that does not hold in a published data set."""

from dataclasses import dataclass
from typing import Final, Literal

Check = Literal[
    "files",
    "checksums",
    "crc32c",
    "content",
    "values",
    "index",
    "footprints",
    "duplicates",
    "leakage",
    "documents",
    "signature",
]

CHECKS: Final[dict[Check, str]] = {
    "files": "every listed file is there, and no other",
    "checksums": "every file has its SHA-256",
    "crc32c": "every chunk reads back, and has its checksum",
    "content": "decoded rows have the digests that were published",
    "values": "every value is one that its array may hold",
    "index": "the index names every row of every store once, and tells the truth of it",
    "footprints": "outlines lie where the rows' grids say",
    "duplicates": "no location, scene on the same ground or pixels twice",
    "leakage": "no ground in two splits",
    "documents": "the documents agree with the files that they describe",
    "signature": "the list of checksums was signed with the key",
}
"""What each check holds if it finds nothing, in the order of the report."""


@dataclass(frozen=True)
class Finding:
    """What was found where; a check that finds nothing has none."""

    check: Check
    where: str
    """A path relative to the data set's folder, with what of it: 'store/nol.zarr s2 row 17, location 0000052'."""
    what: str
    """What was found and what was expected, one line."""
    path: str | None = None
    """The file concerned, relative to the data set's folder, where it is one."""
    store: str | None = None
    """The store concerned, for example store/nol.zarr, where it is one."""
    array: str | None = None
    row: int | None = None

    def __post_init__(self) -> None:
        """Keep what was read of others' files from breaking lines, or steering a terminal."""
        for name in ("where", "what"):
            text: str = getattr(self, name)
            if not text.isprintable():
                plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
                object.__setattr__(self, name, plain)
