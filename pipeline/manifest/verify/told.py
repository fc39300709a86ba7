"""One document of a manifest as its check sees it: parsed, with the tree that it tells of."""

import hashlib
import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import pyarrow as pa
from shapely.errors import ShapelyError

from pipeline.files import is_file, is_storage_error
from pipeline.manifest.described import Extent
from pipeline.manifest.extent import extent_of
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.index_rows import index_rows
from pipeline.manifest.verify.known_keys import unknown_keys
from pipeline.manifest.verify.tree import PublishedTree

FOLDER: Final = "manifest"

Read = TypeVar("Read")


@dataclass(frozen=True, eq=False)
class Told:
    """A parsed document, and what it is held against."""

    tree: PublishedTree
    path: str
    """Relative to the data set's folder, for example manifest/croissant.json."""
    plain: Mapping[str, Any]

    def finding(self, at: str, what: str, *, store: str | None = None, array: str | None = None) -> Finding:
        """Something in the document that does not hold."""
        where = f"{self.path} {at}" if at else self.path
        return Finding("documents", where, what, path=self.path, store=store, array=array)

    def differs(self, at: str, said: Any, true: Any, whose: str) -> Iterator[Finding]:
        """A finding where the document says another thing than the files do."""
        if said != true:
            yield self.finding(at, f"says {_short(said)}, but {whose} has {_short(true)}")

    def unknown(self, known: frozenset[str], maps: frozenset[str] = frozenset()) -> Iterator[Finding]:
        """A finding for every key that is not of the document's vocabulary."""
        for where, key, near in unknown_keys(self.plain, known, maps):
            meant = f"; did you mean '{near}'?" if near else ""
            yield self.finding(where, f"no known key '{key}'{meant}")


def resolved(reference: str) -> str:
    """The path, relative to the data set's folder, of what a document of the manifest refers to."""
    return posixpath.normpath(posixpath.join(FOLDER, reference))


def exists(tree: PublishedTree, path: str) -> bool:
    """Whether a file is published; one that is listed is looked for by the check of files."""
    return path in tree.checksums or attempt(lambda: is_file(tree.root / path)) is True


def sha256_of(tree: PublishedTree, path: str) -> str | None:
    """The SHA-256 of a file, as listed, or else by reading it; None where it cannot be read."""
    listed = tree.checksums.get(path)
    return listed or attempt(lambda: hashlib.sha256((tree.root / path).read_bytes()).hexdigest())


def size_of(tree: PublishedTree, path: str) -> int | None:
    """Bytes of a file; None where it cannot be had."""
    return attempt(lambda: int((tree.root / path).stat().st_size))


def attempt(read: Callable[[], Read]) -> Read | None:
    """What a read gives, or None where the file cannot be read."""
    try:
        return read()
    except Exception as error:
        if not (isinstance(error, (OSError, pa.ArrowException, NotImplementedError)) or is_storage_error(error)):
            raise
        return None


def extent_in(tree: PublishedTree) -> Extent | None:
    """The extent by the index; None where the index does not tell it."""
    columns = ["epsg", "geometry", "s2_datetime", "s1_datetime"]
    if index_rows(tree) is None or tree.index.empty:
        return None
    try:
        return extent_of(pa.Table.from_pandas(tree.index[columns], preserve_index=False))
    except ShapelyError:  # the outlines' own check tells
        return None


def locations_in(tree: PublishedTree) -> int | None:
    """Rows of all stores that the index names; None where it names none."""
    if not {"store", "row"} <= set(tree.index.columns):
        return None
    return len(tree.index[["store", "row"]].drop_duplicates())


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 90 else f"{text[:87]}..."
