"""The list of checksums, read with nothing taken for granted."""

import re
from pathlib import PurePosixPath
from typing import Final

from pipeline.manifest.verify.finding import Finding

LISTING: Final = "manifest/manifest-sha256.txt"
"""Path relative to the data set's folder."""

_LINE: Final = re.compile(r"([0-9a-f]{64})  ([^\\\x00-\x1f]+)")


def parse_listing(data: bytes) -> tuple[dict[str, str], list[Finding]]:
    """SHA-256 by path of a list as `sha256sum` reads it, and what is wrong with its lines.

    Paths are relative, with forward slashes, sorted, each once; a line that says anything else, such as one that leads
    out of the folder, is found and not used.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        at = data.count(b"\n", 0, error.start) + 1
        return {}, [Finding("files", f"{LISTING} line {at}", "no UTF-8 text; the list is not used", path=LISTING)]
    digests: dict[str, str] = {}
    findings: list[Finding] = []
    lines = text.removesuffix("\n").split("\n") if text else []
    for number, line in enumerate(lines, 1):
        found = _LINE.fullmatch(line)
        wrong = _wrong_path(found[2], digests) if found else "no '<sha256>  <path>' line"
        if found is None or wrong is not None:
            findings.append(Finding("files", f"{LISTING} line {number}", f"{wrong}: {line[:160]!r}", path=LISTING))
        else:
            digests[found[2]] = found[1]
    if not findings and list(digests) != sorted(digests):
        findings.append(Finding("files", LISTING, "not sorted by path", path=LISTING))
    if not text.endswith("\n"):
        what = "the last line has no end" if text else "lists no file"
        findings.append(Finding("files", f"{LISTING} line {max(1, len(lines))}", what, path=LISTING))
    return digests, findings


def _wrong_path(name: str, known: dict[str, str]) -> str | None:
    plain = PurePosixPath(name)
    if plain.is_absolute() or ".." in plain.parts or str(plain) != name or name[1:2] == ":":
        return "a path that is not plainly within the folder"
    if name == LISTING:
        return "lists itself"
    return "a path that is listed before" if name in known else None
