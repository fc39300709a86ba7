"""The checks that need no pixels: each looks at the opened tree once."""

from collections.abc import Callable, Iterator
from typing import Final

from pipeline.manifest.listing import LISTING
from pipeline.manifest.verify import content, documents, duplicates, footprints, index, leakage
from pipeline.manifest.verify.finding import Check, Finding
from pipeline.manifest.verify.index_rows import index_rows
from pipeline.manifest.verify.tree import INDEX, PublishedTree

WholeCheck = Callable[[PublishedTree], Iterator[Finding]]

WHOLE_CHECKS: Final[tuple[WholeCheck, ...]] = (
    content.check,
    index.check,
    footprints.check,
    duplicates.check,
    leakage.check,
    documents.check,
)

_OF_THE_INDEX: Final[tuple[Check, ...]] = ("footprints", "duplicates", "leakage")


def impossible(tree: PublishedTree) -> Iterator[Finding]:
    """A finding for every check that cannot be made, so that none passes for being impossible."""
    if LISTING in tree.unread:
        yield Finding("checksums", LISTING, "not checked: the list cannot be read", path=LISTING)
    elif not tree.checksums:
        yield Finding("checksums", LISTING, "not checked: the list names no file", path=LISTING)
    if index_rows(tree) is None:
        for check in _OF_THE_INDEX:
            yield Finding(check, INDEX, "not checked: the index cannot be used, see the check index", path=INDEX)
    if not any(tree.arrays.values()):
        for check in ("crc32c", "content", "values"):
            yield Finding(check, "store", "not checked: no array could be opened, see the checks files and content")
