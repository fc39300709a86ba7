"""SHA-256 of every published file, in the format of sha256sum, and their check."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.schema.errors import NoldoError
from pipeline.schema.layout import RunLayout

CHECKSUMS_FILE: Final = "manifest-sha256.txt"
"""In the manifest; paths in it are relative to the run directory, where `sha256sum -c` is to be run."""


@dataclass(frozen=True)
class ChecksumReport:
    """What a check of the published files found; all three lists empty where nothing is wrong."""

    checked: int
    """Files listed."""
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    unlisted: tuple[str, ...]
    """Published files that are there but not in the list."""

    @property
    def ok(self) -> bool:
        """Whether every listed file is there, unchanged, and no other is."""
        return not (self.missing or self.changed or self.unlisted)


def published(folder: Path, prefix: str) -> dict[str, Path]:
    """Published files of a folder by path under `prefix`; names that begin with a dot are private to the build."""
    return {f"{prefix}/{path.relative_to(folder).as_posix()}": path for path in _files(folder)}


def checksum_lines(files: Mapping[str, Path]) -> str:
    """One line a file, sorted by path: 64 hexadecimal digits, two spaces, path."""
    return "".join(f"{_sha256(files[name])}  {name}\n" for name in sorted(files))


def verify_checksums(run: RunLayout) -> ChecksumReport:
    """Check a run's published files against its list; NoldoError where the list is missing or not one."""
    listing = run.manifest / CHECKSUMS_FILE
    listed = _read_listing(listing)
    missing = [name for name in listed if not (run.root / name).is_file()]
    changed = [n for n in listed if n not in missing and _sha256(run.root / n) != listed[n]]
    present = published(run.manifest, "manifest") | {
        name: path
        for store in sorted(run.store("nol").parent.glob("*.zarr"))
        for name, path in published(store, f"store/{store.name}").items()
    }
    present.pop(f"manifest/{CHECKSUMS_FILE}", None)
    return ChecksumReport(
        checked=len(listed),
        missing=tuple(missing),
        changed=tuple(changed),
        unlisted=tuple(sorted(set(present) - set(listed))),
    )


def _read_listing(listing: Path) -> dict[str, str]:
    try:
        lines = listing.read_text().splitlines()
    except OSError as error:
        raise NoldoError(f"{listing} cannot be read ({error.strerror}); write the manifest first") from error
    listed: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        digest, separator, name = line.partition("  ")
        inside = not name.startswith("/") and ".." not in Path(name).parts
        if not separator or len(digest) != 64 or not name or not inside:
            raise NoldoError(f"{listing} line {number} is no '<sha256>  <path>' line; restore the file")
        listed[name] = digest
    return listed


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
