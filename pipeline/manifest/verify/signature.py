"""Whether the list of checksums was signed, and by whom."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pipeline.manifest.checksums import SIGNATURE_FILE
from pipeline.manifest.signature import NOT_THERE, available, read_signature
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.listing import LISTING
from pipeline.manifest.verify.tree import PublishedTree

SIGNATURE: Final = f"manifest/{SIGNATURE_FILE}"


def check(tree: PublishedTree, key: Path | None = None) -> Iterator[Finding]:
    """Find a signature that is missing, of another key or of another list.

    With `key`, a public key or a file of allowed signers, the list must have been signed by it. Without one, a
    signature that is there must be one of this list, whoever made it; `signature_line` says who. Raises UsageError
    where `key` is no such file, NoldoError where it is given and ssh-keygen is not there.
    """
    if LISTING in tree.unread or (key is None and not available()):
        return
    problem = read_signature(tree.root, key).problem
    if problem is not None:
        yield Finding("signature", SIGNATURE, problem, path=SIGNATURE)


def signature_line(tree: PublishedTree, key: Path | None = None) -> str:
    """Who signed, in one line for the report; raises as `check`."""
    if LISTING in tree.unread:
        return "not checked: there is no list"
    if key is None and not available():
        return f"not checked: {NOT_THERE}"
    return read_signature(tree.root, key).line
