"""SHA-256 of every published file, in the format of sha256sum, and their check."""

import hashlib
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from pipeline.files import file_sizes, is_file, is_local, listed, storage_reason
from pipeline.manifest.listing import LISTING, parse_listing
from pipeline.schema.errors import NoldoError
from pipeline.schema.layout import ADDED_LABELS, RunLayout
from pipeline.schema.paths import AnyPath

CHECKSUMS_FILE: Final = PurePosixPath(LISTING).name
"""In the manifest; paths in it are relative to the run directory, where `sha256sum -c` is to be run."""

SIGNATURE_FILE: Final = f"{CHECKSUMS_FILE}.sig"
"""Beside the list, where it was signed (pipeline/manifest/signature.py); neither is listed."""

READERS: Final = 8
"""Objects read at once from object storage, and the bytes of each held at a time."""
BLOCK_BYTES: Final = 8 * 2**20


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


def published(folder: AnyPath, prefix: str) -> dict[str, AnyPath]:
    """Published files of a folder by path under `prefix`; see is_published."""
    return {f"{prefix}/{name}": folder / name for name in file_sizes(folder) if is_published(name)}


def is_published(name: str) -> bool:
    """Whether a file of that path in a published folder is one to publish.

    Names that begin with a dot are private to the build, and labels that a user added to a store are the user's.
    """
    parts = PurePosixPath(name).parts
    return parts[0] != ADDED_LABELS and not any(part.startswith(".") for part in parts)


def checksum_lines(files: Mapping[str, AnyPath], on_file: Callable[[int, int], None] = lambda *_: None) -> str:
    """One line a file, sorted by path: 64 hexadecimal digits, two spaces, path.

    `on_file` hears how many files of how many are read.
    """
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(_digests(files, on_file).items()))


def verify_checksums(run: RunLayout) -> ChecksumReport:
    """Check a run's published files against its list; NoldoError where the list is missing or not one."""
    expected = _read_listing(run.root)
    present = published(run.manifest, "manifest")
    for store in listed(run.store("nol").parent, "*.zarr"):
        present |= published(store, f"store/{store.name}")
    for name in (CHECKSUMS_FILE, SIGNATURE_FILE):
        present.pop(f"manifest/{name}", None)
    missing = [name for name in expected if name not in present and not is_file(run.root / name)]
    found = _digests({name: run.root / name for name in expected if name not in missing})
    changed = [name for name in found if found[name] != expected[name]]
    return ChecksumReport(
        checked=len(expected),
        missing=tuple(missing),
        changed=tuple(changed),
        unlisted=tuple(sorted(set(present) - set(expected))),
    )


def _read_listing(root: AnyPath) -> dict[str, str]:
    again = f"noldo manifest write {root}"
    try:
        data = (root / LISTING).read_bytes()
    except OSError as error:
        raise NoldoError(
            f"{root}/{LISTING} cannot be read ({storage_reason(error)}); write the manifest first: {again}"
        ) from error
    digests, findings = parse_listing(data)
    if findings:
        raise NoldoError(
            f"{root}/{findings[0].where}: {findings[0].what}; restore the file from a copy, or run {again}"
        )
    return digests


def _digests(files: Mapping[str, AnyPath], on_file: Callable[[int, int], None] = lambda *_: None) -> dict[str, str]:
    """SHA-256 of every file in hexadecimal, by name."""
    local = all(is_local(path) for path in files.values())
    found = {}
    with ThreadPoolExecutor(min(READERS, os.cpu_count() or 1) if local else READERS) as readers:
        for name, digest in zip(files, readers.map(file_sha256, files.values()), strict=True):
            found[name] = digest
            on_file(len(found), len(files))
    return found


def file_sha256(path: AnyPath) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal digits."""
    if is_local(path):
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    digest = hashlib.sha256()
    with path.fs.open(path.path, "rb", block_size=BLOCK_BYTES, cache_type="readahead") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
