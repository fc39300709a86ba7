"""Which list of checksums to believe where a data set's own and its source's differ."""

from dataclasses import dataclass

from pipeline.manifest.repair.copying import sha256_of
from pipeline.manifest.signature import available, read_signature
from pipeline.manifest.verify.listing import LISTING, parse_listing
from pipeline.schema.errors import NoldoError
from pipeline.schema.paths import AnyPath


@dataclass(frozen=True)
class Listing:
    """The list to repair by."""

    checksums: dict[str, str]
    """SHA-256 in hexadecimal by path."""
    data: bytes
    foreign: bool
    """Whether it is the source's, because ours is damaged."""


def listing_to_believe(root: AnyPath, source: AnyPath | None) -> Listing:
    """Our own list, or the source's where ours is damaged; NoldoError where neither can be used.

    Two lists of which one is damaged differ in a few lines. Our files decide: where none of them has the checksum that
    our list alone states, and at least one has that of the source's list, the source's is the undamaged one. A list
    with a signature of it needs no such witness.
    """
    ours = _read(root)
    if ours is not None and (source is None or _is_signed(root)):
        return ours
    theirs = None if source is None else _read(source)
    if theirs is not None and (ours is None or _ours_is_damaged(root, ours, theirs)):
        return Listing(theirs.checksums, theirs.data, foreign=True)
    if ours is None:
        raise NoldoError(f"{root}/{LISTING} cannot be used, nor can the source's; name a source whose list is whole")
    return ours


def _read(root: AnyPath) -> Listing | None:
    try:
        data = (root / LISTING).read_bytes()
    except OSError:
        return None
    checksums, findings = parse_listing(data)
    if findings and not checksums:
        return None
    return Listing(checksums, data, foreign=False)


def _is_signed(root: AnyPath) -> bool:
    return available() and read_signature(root).fingerprint is not None


def _ours_is_damaged(root: AnyPath, ours: Listing, theirs: Listing) -> bool:
    if ours.data == theirs.data or parse_listing(theirs.data)[1]:
        return False
    unlike = {*ours.checksums.items()} ^ {*theirs.checksums.items()}
    present = {path: sha256_of(root / path) for path in {path for path, _ in unlike}}
    for_ours = sum(present[path] == digest for path, digest in unlike if ours.checksums.get(path) == digest)
    for_theirs = sum(present[path] == digest for path, digest in unlike if theirs.checksums.get(path) == digest)
    return for_ours == 0 and (for_theirs > 0 or not unlike)
