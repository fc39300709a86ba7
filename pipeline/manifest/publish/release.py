"""What a release of a data set consists of, and in which order its files go."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

import yaml

from pipeline.files import file_sizes, is_file, is_storage_error, storage_reason
from pipeline.manifest.checksums import CHECKSUMS_FILE, SIGNATURE_FILE, is_published
from pipeline.manifest.listing import parse_listing
from pipeline.manifest.marker import LISTING_SHA256, SIGNED
from pipeline.schema.errors import NoldoError
from pipeline.schema.paths import AnyPath
from pipeline.schema.release import VERSION

CARD: Final = "README.md"
"""The data card lies in the manifest; a release has a second copy of it atop."""

_FOLDERS: Final = {"manifest": 1, "store": 2}
"""What a release holds, and how many parts of a path name the published folder (pipeline/manifest/checksums)."""


@dataclass(frozen=True)
class ReleaseFile:
    """One file of a release."""

    name: str
    """Path within the release, with forward slashes."""
    source: AnyPath
    sha256: str
    """64 hexadecimal digits, as published in the list of checksums."""
    bytes: int


@dataclass(frozen=True)
class Release:
    """A data set as it is to be published."""

    version: str
    title: str
    date: str
    """ISO 8601."""
    content_digest: str
    """Over decoded pixels and the index, 'sha256:...'."""
    listing_sha256: str
    """Of manifest-sha256.txt, and so of every byte that is released."""
    phases: tuple[tuple[ReleaseFile, ...], ...]
    """Files that may go in any order, phase after phase: shards, the stores' metadata, the manifest, its checksums."""

    @property
    def files(self) -> tuple[ReleaseFile, ...]:
        """All files in the order in which they go."""
        return tuple(file for phase in self.phases for file in phase)

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(file.bytes for file in self.files)

    def as_json(self) -> dict[str, Any]:
        """What the release marker says."""
        return {
            "version": self.version,
            "date": self.date,
            "title": self.title,
            "content_digest": self.content_digest,
            LISTING_SHA256: self.listing_sha256,
            SIGNED: any(file.name.endswith(f"/{SIGNATURE_FILE}") for file in self.files),
            "files": len(self.files),
            "bytes": self.bytes,
        }


def read_release(root: AnyPath) -> Release:
    """What of a data set's folder is to be published, by its own list of checksums.

    Raises NoldoError where the manifest is missing, not whole, or lists what is private.
    """
    listing = _read(root / "manifest" / CHECKSUMS_FILE, root)
    digests, findings = parse_listing(listing)
    if findings:
        raise NoldoError(f"{root}/{findings[0].where}: {findings[0].what}; run noldo manifest write {root}")
    told = _told(root)
    sizes = {f"{folder}/{name}": size for folder in _FOLDERS for name, size in file_sizes(root / folder).items()}
    for name in digests:
        if not _is_public(name):
            raise NoldoError(
                f"{root}/manifest/{CHECKSUMS_FILE} lists {name}, which is private and never published; "
                f"run noldo manifest write {root}"
            )
        if name not in sizes:
            raise NoldoError(f"{root}/{name} is not there; run noldo manifest verify {root}")
    listed = {name: ReleaseFile(name, root / name, digest, sizes[name]) for name, digest in digests.items()}
    card = listed.get(f"manifest/{CARD}")
    if card is None:
        raise NoldoError(f"{root}/manifest holds no {CARD}; run noldo manifest write {root}")
    seals = [
        _unlisted(root, f"manifest/{name}")
        for name in (SIGNATURE_FILE, CHECKSUMS_FILE)
        if is_file(root / "manifest" / name)
    ]
    return Release(
        **told,
        listing_sha256=hashlib.sha256(listing).hexdigest(),
        phases=(
            _of(listed, lambda path: path.parts[0] == "store" and path.name != "zarr.json"),
            _of(listed, lambda path: path.parts[0] == "store" and path.name == "zarr.json"),
            (
                *_of(listed, lambda path: path.parts[0] == "manifest"),
                ReleaseFile(CARD, card.source, card.sha256, card.bytes),
            ),
            tuple(seals),
        ),
    )


def _of(listed: Mapping[str, ReleaseFile], chosen: Callable[[PurePosixPath], bool]) -> tuple[ReleaseFile, ...]:
    return tuple(listed[name] for name in sorted(listed) if chosen(PurePosixPath(name)))


def _is_public(name: str) -> bool:
    parts = PurePosixPath(name).parts
    above = _FOLDERS.get(parts[0])
    if above is None or len(parts) <= above:
        return False
    return not any(part.startswith(".") for part in parts) and is_published("/".join(parts[above:]))


def _unlisted(root: AnyPath, name: str) -> ReleaseFile:
    data = _read(root / name, root)
    return ReleaseFile(name, root / name, hashlib.sha256(data).hexdigest(), len(data))


def _told(root: AnyPath) -> dict[str, str]:
    """What the manifest tells of the release; the title is the one under which it is cited."""
    where = root / "manifest"
    try:
        plain = json.loads(_read(where / "provenance.json", root))
        told = {key: str(plain["release"][key]) for key in ("version", "date")}
        if re.fullmatch(VERSION, told["version"]) is None:
            raise ValueError("a version that names no folder")
        told["title"] = str(yaml.safe_load(_read(where / "CITATION.cff", root))["title"])
        return told | {"content_digest": str(plain["content_digest"]["dataset"])}
    except (ValueError, TypeError, KeyError, yaml.YAMLError) as error:
        raise NoldoError(
            f"{where} does not say what release it is (version and date in provenance.json, title in CITATION.cff); "
            f"run noldo manifest write {root}"
        ) from error


def _read(path: AnyPath, root: AnyPath) -> bytes:
    try:
        return path.read_bytes()
    except Exception as error:
        if not isinstance(error, OSError) and not is_storage_error(error):
            raise
        raise NoldoError(f"{path} cannot be read ({storage_reason(error)}); run noldo manifest write {root}") from error
