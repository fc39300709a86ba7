"""The file that says that a folder beside it is a release: TARGET/releases/X.Y.Z.json of TARGET/X.Y.Z."""

import hashlib
import json
import re
from typing import Any, Final

from pipeline.files import is_local, is_storage_error
from pipeline.schema.paths import AnyPath
from pipeline.schema.release import VERSION

LISTING_SHA256: Final = "manifest_sha256"
"""Its key for the SHA-256 of the list of checksums."""

SIGNED: Final = "signed"
"""Its key for whether the release holds a signature of that list; markers of older releases lack it."""


def marker_path(target: AnyPath, version: str) -> AnyPath:
    """The file that says that a version is released."""
    return target / "releases" / f"{version}.json"


def marked_as_signed(root: AnyPath, listing: bytes) -> bool:
    """Whether the marker of a release says that there was a signature of this very list; no, where there is none."""
    root = root.resolve() if is_local(root) else root
    if re.fullmatch(VERSION, root.name) is None:
        return False
    try:
        plain: Any = json.loads(marker_path(root.parent, root.name).read_bytes())
    except Exception as error:
        if not isinstance(error, (OSError, ValueError)) and not is_storage_error(error):
            raise
        return False
    told = plain if isinstance(plain, dict) else {}
    return told.get(SIGNED) is True and told.get(LISTING_SHA256) == hashlib.sha256(listing).hexdigest()
