"""Which list of checksums to believe where a data set's own and its source's differ."""

import json
from dataclasses import dataclass, replace

from pipeline.manifest.listing import LISTING, parse_listing
from pipeline.manifest.repair.chunk_file import METADATA, has_sha256
from pipeline.manifest.repair.copying import sha256_of
from pipeline.manifest.signature import available, read_signature
from pipeline.manifest.verify.tree import PROVENANCE
from pipeline.schema.errors import NoldoError
from pipeline.schema.paths import AnyPath


@dataclass(frozen=True)
class Listing:
    """The list to repair by."""

    checksums: dict[str, str]
    """SHA-256 in hexadecimal by path."""
    data: bytes
    whole: bool
    """Whether every line of it can be used."""
    foreign: bool = False
    """Whether it is the source's, because ours is damaged."""


def listing_to_believe(root: AnyPath, source: AnyPath | None) -> Listing:
    """Our own list, or the source's where ours is damaged; NoldoError where neither can be used.

    Two lists of which one is damaged differ in a few lines. Our files decide: where none of them has the checksum that
    our list alone states, and at least one has that of the source's list, the source's is the undamaged one. A list
    with a signature of it needs no such witness. Where ours is gone, our provenance and our stores' metadata must be
    those that the source lists, as far as they are there: of another release, every file would be taken for damaged.
    """
    ours = _read(root)
    if ours is not None and (source is None or _is_signed(root)):
        return ours
    theirs = None if source is None else _read(source)
    if theirs is not None and not theirs.whole:
        theirs = None
    if ours is not None:
        return ours if theirs is None or not _ours_is_damaged(root, ours, theirs) else replace(theirs, foreign=True)
    if theirs is None:
        raise NoldoError(f"{root}/{LISTING} cannot be used, nor can the source's; name a source whose list is whole")
    unlike = _unlike(root, theirs)
    if unlike is not None:
        raise NoldoError(
            f"{root}/{LISTING} cannot be used, and the source's is of another release, or {unlike} is damaged too; "
            "name a copy of this release, or put that file right by hand"
        )
    return replace(theirs, foreign=True)


def _read(root: AnyPath) -> Listing | None:
    try:
        data = (root / LISTING).read_bytes()
    except OSError:
        return None
    checksums, findings = parse_listing(data)
    if findings and not checksums:
        return None
    return Listing(checksums, data, whole=not findings)


def _is_signed(root: AnyPath) -> bool:
    return available() and read_signature(root).fingerprint is not None


def _ours_is_damaged(root: AnyPath, ours: Listing, theirs: Listing) -> bool:
    if ours.data == theirs.data:
        return False
    unlike = {*ours.checksums.items()} ^ {*theirs.checksums.items()}
    present = {path: sha256_of(root / path) for path in {path for path, _ in unlike}}
    for_ours = sum(present[path] == digest for path, digest in unlike if ours.checksums.get(path) == digest)
    for_theirs = sum(present[path] == digest for path, digest in unlike if theirs.checksums.get(path) == digest)
    return for_ours == 0 and (for_theirs > 0 or not unlike)


def _unlike(root: AnyPath, theirs: Listing) -> str | None:
    """The first file of ours that says what data set this is, and that their list has otherwise; None for none."""
    for path, sha256 in theirs.checksums.items():
        if path == PROVENANCE or (path.count("/") == 2 and path.startswith("store/") and path.endswith(METADATA)):
            try:
                data = (root / path).read_bytes()
                json.loads(data)
            except (OSError, ValueError):
                continue  # it says nothing
            if not has_sha256(data, sha256):
                return path
    return None
