"""The steps of a repair: the list, what others rest on, the arrays' values, the signature, and what is not listed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from pipeline.files import is_file, remove_files
from pipeline.manifest.checksums import SIGNATURE_FILE, is_published
from pipeline.manifest.digest_table import DIGESTS_FILE, DigestTable, read_digests
from pipeline.manifest.listing import LISTING
from pipeline.manifest.repair.chunk_file import METADATA, chunk_file
from pipeline.manifest.repair.copying import copy_checked, put_bytes, sha256_of
from pipeline.manifest.repair.listing import Listing
from pipeline.manifest.repair.outcome import Lost, Mended
from pipeline.manifest.repair.rebuilding import Rebuilt, rebuild_chunk, rebuild_shard
from pipeline.manifest.repair.row_source import CopiedRows, RowSource
from pipeline.manifest.signature import available, read_signature
from pipeline.manifest.verify.finding import Finding
from pipeline.schema.paths import AnyPath

SIGNATURE: Final = f"manifest/{SIGNATURE_FILE}"
PUBLISHED: Final = ("manifest/", "store/")
"""Where files may be written or removed, whatever a list says."""

UNSURE: Final = "not listed, but kept: a line of the list may be damaged, as long as other things cannot be repaired"


@dataclass(frozen=True)
class RepairSource:
    """Where what is damaged comes from."""

    name: str
    """For messages."""
    copy: AnyPath | None
    """The folder of a copy with manifest/ and store/; None where only rows can be had."""
    rows: RowSource
    """Rows of damaged shards whose files the copy does not have as they were listed."""

    @classmethod
    def of_copy(cls, root: AnyPath) -> "RepairSource":
        """A copy of the data set, also one that was compressed again."""
        return cls(str(root), root, CopiedRows(root))


@dataclass
class Mending:
    """One repair under way."""

    root: AnyPath
    source: RepairSource
    listing: Listing
    dry_run: bool
    mended: list[Mended] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)

    def mend_listing(self) -> None:
        """Put the source's list in the place of ours where that is damaged."""
        if self.listing.foreign:
            if not self.dry_run:
                put_bytes(self.root / LISTING, self.listing.data)
            self.mended.append(Mended(LISTING, "copied"))

    def mend_described(self, findings: Iterable[Finding]) -> None:
        """Copy damaged files of the manifest, and of the arrays' metadata: what the rest of a check rests on."""
        for path in self._bad(findings):
            if not _holds_values(path):
                self._mend_file(path)

    def mend_values(self, findings: Iterable[Finding], on_file: Callable[[int, int], None]) -> None:
        """Copy damaged chunks and shards, or write them anew from rows."""
        bad = sorted((path for path in self._bad(findings) if _holds_values(path)), key=_shard_by_shard)
        digests = self._digests() if bad else DigestTable(())
        for done, path in enumerate(bad, 1):
            self._mend_values_of(path, digests)
            on_file(done, len(bad))

    def mend_signature(self) -> None:
        """Copy the signature where ours is none of the list and the source's is."""
        of_listing = is_file(self.root / LISTING) and not (self.dry_run and self.listing.foreign)
        problem = read_signature(self.root).problem if available() and of_listing else None
        if problem is None:
            return
        copy = self.source.copy
        if copy is None or not self._is_signed_alike(copy):
            self.lost.append(Lost(SIGNATURE, f"{problem}; the source has none of it either"))
            return
        if not self.dry_run:
            put_bytes(self.root / SIGNATURE, (copy / SIGNATURE).read_bytes())
        self.mended.append(Mended(SIGNATURE, "copied"))

    def unlisted(self, findings: Iterable[Finding]) -> tuple[str, ...]:
        """Published files that were found and are not in the list."""
        known = {*self.listing.checksums, LISTING, SIGNATURE}
        paths = {found.path for found in findings if found.check == "files" and found.path}
        return tuple(sorted(path for path in paths - known if _is_inside(path) and is_file(self.root / path)))

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files that are not listed; none where the list itself may be what is wrong."""
        if not self.listing.whole or self.lost:
            self.lost += [Lost(path, UNSURE) for path in paths]
            return
        if paths and not self.dry_run:
            remove_files([self.root / path for path in paths])
        self.mended += [Mended(path, "removed") for path in paths]

    def _bad(self, findings: Iterable[Finding]) -> Iterator[str]:
        """Listed files that were found fault with and do not have their checksum, by path."""
        named = {found.path for found in findings if found.path}
        for path in sorted(named & set(self.listing.checksums)):
            if _is_inside(path) and sha256_of(self.root / path) != self.listing.checksums[path]:
                yield path

    def _mend_file(self, path: str) -> None:
        why = self._copy(path)
        if why is None:
            self.mended.append(Mended(path, "copied"))
        else:
            self.lost.append(Lost(path, why))

    def _mend_values_of(self, path: str, digests: DigestTable) -> None:
        why = self._copy(path)
        if why is None:
            self.mended.append(Mended(path, "copied"))
            return
        made = self._rebuild(path, digests, why)
        if isinstance(made, Lost):
            self.lost.append(made)
            return
        if not self.dry_run:
            put_bytes(self.root / path, made.data)
        self.mended.append(Mended(path, "rebuilt", made.rows))

    def _rebuild(self, path: str, digests: DigestTable, why: str) -> Rebuilt | Lost:
        file = chunk_file(path, CopiedRows(self.root).array)
        if file is None:
            return Lost(path, f"{why}; its array's {METADATA} is not there to write it anew")
        sha256 = self.listing.checksums[path]
        known = digests.of(file.store, file.array)
        if known is not None:
            return rebuild_shard(self.root, file, known, sha256, self.source.rows)
        if isinstance(self.source.rows, CopiedRows):
            return rebuild_chunk(self.root, file, sha256, self.source.rows)
        return Lost(path, why)

    def _copy(self, path: str) -> str | None:
        """Put a listed file's copy in its place; why that was not possible, None where it was."""
        if self.source.copy is None:
            return f"{self.source.name} has rows only, no files; take it from a copy"
        sha256 = self.listing.checksums[path]
        return copy_checked(self.source.copy / path, self.root / path, sha256, dry_run=self.dry_run)

    def _digests(self) -> DigestTable:
        """Our digests of rows, if they are those that were published; none where they are damaged."""
        path = f"manifest/{DIGESTS_FILE}"
        if sha256_of(self.root / path) != self.listing.checksums.get(path):
            return DigestTable(())
        return read_digests(self.root / path)

    def _is_signed_alike(self, copy: AnyPath) -> bool:
        """Whether the copy has a signature that is one of our list."""
        if not (is_file(copy / SIGNATURE) and is_file(copy / LISTING)):
            return False
        return (copy / LISTING).read_bytes() == self.listing.data and read_signature(copy).problem is None


def _is_inside(path: str) -> bool:
    """Whether a path is one of a published file: a list that came from elsewhere may name any."""
    plain = ".." not in PurePosixPath(path).parts and "/." not in path
    return path.startswith(PUBLISHED) and plain and is_published(path.split("/", 2)[-1])


def _holds_values(path: str) -> bool:
    """Whether a file is one of a store's chunks or shards, not metadata."""
    return path.startswith("store/") and PurePosixPath(path).name != METADATA


def _shard_by_shard(path: str) -> tuple[str, int, str]:
    """Puts the files of all arrays that hold the same rows together: a source may have what is asked for at hand."""
    above, _, key = path.rpartition("/c/")
    number = key.partition("/")[0]
    return "/".join(PurePosixPath(above).parts[:2]), int(number) if number.isdecimal() else 0, path
