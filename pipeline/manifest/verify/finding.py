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

_DAMAGED: Final = "noldo manifest repair {root} --from COPY puts back what is damaged"
_TOLD_WRONG: Final = (
    "noldo manifest repair {root} --from COPY puts back what is damaged; in the run directory of the build, "
    "noldo manifest write {root} writes them again"
)
_BUILT_SO: Final = "unless the index is damaged, the set was made so: leave these locations out, and make it again"
_SIGNED_WRONG: Final = (
    "ask the publisher for the list and the signature again, or give --key the right key; "
    "your own data set is signed again by noldo manifest sign {root} --key KEYFILE"
)

ADVICE: Final[dict[Check, str]] = {
    "files": f"{_DAMAGED}, and with --remove-unlisted removes what is not listed",
    **dict.fromkeys(("checksums", "crc32c", "content", "values"), _DAMAGED),
    **dict.fromkeys(("index", "footprints", "documents"), _TOLD_WRONG),
    **dict.fromkeys(("duplicates", "leakage"), _BUILT_SO),
    "signature": _SIGNED_WRONG,
}
"""What to do where a check finds something; `{root}` is the data set's folder."""


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


def things(count: int) -> str:
    """How many things do something: '1 thing does', '2 things do'."""
    return "1 thing does" if count == 1 else f"{count} things do"
