"""Whether a manifest's documents agree with the files that they describe, and with one another."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import yaml

from pipeline.files import is_file, is_storage_error, storage_reason
from pipeline.manifest.documents import CARD_FILE, CITATION_FILE, COLLECTION_FILE, CROISSANT_FILE, LICENCES_FILE
from pipeline.manifest.verify.croissant import check_croissant
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.heads import check_agreement, check_citation, check_head, head_of, terms_of
from pipeline.manifest.verify.stac import check_stac
from pipeline.manifest.verify.told import FOLDER, Told, sha256_of
from pipeline.manifest.verify.tree import PublishedTree
from pipeline.schema.layout import RunLayout

PARSERS: Final[Mapping[str, Callable[[str], Any]]] = {
    CROISSANT_FILE: json.loads,
    COLLECTION_FILE: json.loads,
    CITATION_FILE: yaml.safe_load,
    CARD_FILE: head_of,
    LICENCES_FILE: terms_of,
}

EMULATED_WORD: Final = "emulated"
"""What every document of a data set says that depicts nothing."""


def check(tree: PublishedTree) -> Iterator[Finding]:
    """Findings on every document; what is wrong with one keeps no other from being checked."""
    texts: dict[str, str] = {}
    told: dict[str, Told] = {}
    for name, parse in PARSERS.items():
        path = f"{FOLDER}/{name}"
        try:
            texts[name] = (tree.root / path).read_bytes().decode()
            plain = parse(texts[name])
        except Exception as error:
            if not _is_expected(error):
                raise
            yield Finding("documents", path, f"cannot be read: {storage_reason(error)}", path=path)
            continue
        if isinstance(plain, Mapping):
            told[name] = Told(tree, path, plain)
        else:
            yield Finding("documents", path, "holds no keys and values", path=path)
    yield from _card_atop(tree)
    yield from _each(told, texts)
    yield from check_agreement(told)
    if tree.provenance.get("emulated"):
        for name, text in texts.items():
            if EMULATED_WORD not in text.lower():
                path = f"{FOLDER}/{name}"
                yield Finding("documents", path, "does not say that the data are emulated", path=path)


def _card_atop(tree: PublishedTree) -> Iterator[Finding]:
    """A finding where a release's README.md is not its card, which it is the copy of; in a run it is the user's."""
    try:
        if not is_file(tree.root / CARD_FILE) or is_file(RunLayout(tree.root).recipe):
            return
        atop = hashlib.sha256((tree.root / CARD_FILE).read_bytes()).hexdigest()
    except Exception as error:
        if not _is_expected(error):
            raise
        yield Finding("documents", CARD_FILE, f"cannot be read: {storage_reason(error)}", path=CARD_FILE)
        return
    card = f"{FOLDER}/{CARD_FILE}"
    if atop != sha256_of(tree, card):
        yield Finding("documents", CARD_FILE, f"is not the same as {card}, of which it is the copy", path=CARD_FILE)


def _is_expected(error: Exception) -> bool:
    """Whether an exception is what a damaged or missing document raises."""
    return isinstance(error, (OSError, ValueError, yaml.YAMLError)) or is_storage_error(error)


def _each(told: Mapping[str, Told], texts: Mapping[str, str]) -> Iterator[Finding]:
    judges: dict[str, Callable[[Told], Iterator[Finding]]] = {
        CROISSANT_FILE: check_croissant,
        COLLECTION_FILE: check_stac,
        CITATION_FILE: check_citation,
        CARD_FILE: lambda card: check_head(card, texts[CARD_FILE]),
    }
    for name, judge in judges.items():
        if name in told:
            yield from _guarded(told[name], judge)


def _guarded(told: Told, judge: Callable[[Told], Iterator[Finding]]) -> Iterator[Finding]:
    """What a check finds, the place included at which the document is built unlike any of its kind."""
    try:
        yield from judge(told)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        yield told.finding("", f"is not built as such a document is ({error}); the rest of it was not checked")
