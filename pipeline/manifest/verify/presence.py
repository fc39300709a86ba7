"""Which of the published files are there."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from pipeline.files import can_list, file_sizes, is_file
from pipeline.manifest.checksums import SIGNATURE_FILE, is_published
from pipeline.manifest.listing import LISTING
from pipeline.manifest.verify.finding import Finding
from pipeline.schema.paths import AnyPath

UNLISTED = frozenset({LISTING, f"manifest/{SIGNATURE_FILE}"})
"""Files that no list can hold."""


@dataclass(frozen=True)
class Presence:
    """What lies in the data set's folder."""

    sizes: Mapping[str, int]
    """Bytes by path of every published file; of a web server of none, because it lists nothing."""
    listable: bool


def look(root: AnyPath, stores: Collection[str]) -> Presence:
    """List the folders that are published: manifest/, and the stores."""
    if not can_list(root):
        return Presence({}, listable=False)
    sizes: dict[str, int] = {}
    for folder in ("manifest", *sorted(stores)):
        found = file_sizes(root / folder)
        sizes |= {f"{folder}/{name}": size for name, size in found.items() if is_published(name)}
    return Presence(sizes, listable=True)


def is_of_store(path: str) -> bool:
    """Whether a published path is of a store, not of the manifest."""
    return path.startswith("store/")


def check_presence(presence: Presence, listed: Collection[str], *, recompressed: bool) -> Iterator[Finding]:
    """Find listed files that are not there, and others that are; of a recompressed copy, of the manifest only."""
    if not presence.listable:
        return
    for path in sorted(set(listed) - presence.sizes.keys()):
        if not (recompressed and is_of_store(path)):
            yield missing(path)
    for path in sorted(presence.sizes.keys() - set(listed) - UNLISTED):
        if not (recompressed and is_of_store(path)):
            yield Finding("files", path, "is there, but not listed", path=path)


def missing(path: str) -> Finding:
    """A listed file that is not there."""
    return Finding("files", path, "listed, but not there", path=path)


def is_there(root: AnyPath, path: str) -> bool:
    """Whether a single file is there, asked of the server."""
    return is_file(root / path)
