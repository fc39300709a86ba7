"""Whether the list of checksums was signed, and by whom."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.files import is_storage_error, storage_reason
from pipeline.manifest.checksums import SIGNATURE_FILE
from pipeline.manifest.listing import LISTING
from pipeline.manifest.marker import marked_as_signed
from pipeline.manifest.signature import NOT_THERE, available, read_signature
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.tree import PublishedTree
from pipeline.schema.errors import NoldoError

SIGNATURE: Final = f"manifest/{SIGNATURE_FILE}"


MARKED: Final = "there is none, but the release's marker says that it was signed"


@dataclass(frozen=True)
class Signed:
    """What the signature says of the data set."""

    line: str
    """Who signed, in one line for the report."""
    findings: tuple[Finding, ...] = ()


def check(tree: PublishedTree, key: Path | None = None) -> Signed:
    """Find a signature that is missing, of another key or of another list than the one that the tree was read by.

    With `key`, a public key or a file of allowed signers, the list must have been signed by it. Without one, a
    signature that is there must be one of this list, whoever made it; and one must be there where the data set lies as
    a release, X.Y.Z beside releases/X.Y.Z.json, and that marker says so. Raises UsageError where `key` is no such file,
    NoldoError where it is given and ssh-keygen is not there.
    """
    if LISTING in tree.unread:
        return Signed("not checked: there is no list")
    if key is None and not available():
        return Signed(f"not checked: {NOT_THERE}")
    try:
        signature = read_signature(tree.root, key, tree.listing)
    except Exception as error:
        if isinstance(error, NoldoError) or not (isinstance(error, OSError) or is_storage_error(error)):
            raise
        what = f"cannot be read: {storage_reason(error)}"
        return Signed(f"not checked: {what}", (Finding("signature", SIGNATURE, what, path=SIGNATURE),))
    unsigned = signature.problem is None and signature.fingerprint is None
    wrong = MARKED if unsigned and marked_as_signed(tree.root, tree.listing) else signature.problem
    return Signed(signature.line, () if wrong is None else (Finding("signature", SIGNATURE, wrong, path=SIGNATURE),))
