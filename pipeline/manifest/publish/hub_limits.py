"""What the Hugging Face Hub takes in one repository.

All figures: Hub documentation, "Storage limits", section "Repository limitations and recommendations"
(huggingface.co/docs/hub/storage-limits, as read in 2026).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

MAX_FILES: Final = 100_000
"""Files a repository, "Files per repo: <100k"."""
MAX_ENTRIES: Final = 10_000
"""Files and folders in a folder, "cannot exceed 10k files per folder"."""
MAX_FILE_BYTES: Final = 200 * 10**9
"""Bytes a file, "File size: <200GB"; 500 GB are refused."""
COMMIT_FILES: Final = 100
"""Files a commit, "around 50-100 files per commit": each is checked by the server within 60 s."""
ASK_BYTES: Final = 10**12
"""Beyond this, a public data set needs a grant or a plan, "bigger than 1TB"."""


@dataclass(frozen=True)
class HubSize:
    """How much of the Hub's room a release takes."""

    files: int
    most_entries: int
    """Files and folders in the fullest folder."""
    fullest: str
    """That folder; empty for the top."""
    largest_bytes: int
    largest: str
    """The largest file."""
    bytes: int

    def problem(self) -> str | None:
        """The first limit that a release is over, and what to change; None where there is none."""
        more = "with a larger store.shard_rows the same rows take fewer files"
        if self.files >= MAX_FILES:
            return f"{self.files} files, and the Hub advises fewer than {MAX_FILES} a repository; {more}"
        if self.most_entries >= MAX_ENTRIES:
            where = self.fullest or "the top"
            return (
                f"{self.most_entries} entries in {where}, and the Hub takes fewer than {MAX_ENTRIES} a folder; {more}"
            )
        if self.largest_bytes >= MAX_FILE_BYTES:
            limit = f"the Hub advises less than {MAX_FILE_BYTES // 10**9} GB a file"
            return (
                f"{self.largest} has {self.largest_bytes / 10**9:.0f} GB, and {limit}; use a smaller store.shard_rows"
            )
        return None

    def lines(self) -> list[str]:
        """The figures beside the limits, for a person."""
        lines = [
            f"hub files       {self.files} of fewer than {MAX_FILES}",
            f"fullest folder  {self.most_entries} entries of fewer than {MAX_ENTRIES} ({self.fullest or 'top'})",
            f"largest file    {self.largest_bytes / 1e6:.1f} MB of less than {MAX_FILE_BYTES // 10**9} GB"
            f" ({self.largest})",
        ]
        if self.bytes > ASK_BYTES:
            lines.append(
                "above 1 TB the Hub wants to be asked first: see 'Sharing large datasets' on its page of limits"
            )
        return lines


def hub_size(sizes: Mapping[str, int], kept: Iterable[str] = ()) -> HubSize:
    """The size of files by name, with the names of files that stay in the repository beside them."""
    names = {*sizes, *kept}
    entries: Counter[str] = Counter()
    known: set[PurePosixPath] = set()
    for name in names:
        path = PurePosixPath(name)
        while path.name and path not in known:
            known.add(path)
            entries["" if path.parent.name == "" else str(path.parent)] += 1
            path = path.parent
    fullest, most = max(entries.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    largest = max(sizes, key=lambda name: (sizes[name], name), default="")
    return HubSize(len(names), most, fullest, sizes.get(largest, 0), largest, sum(sizes.values()))
