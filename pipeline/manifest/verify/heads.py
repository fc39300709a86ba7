"""Whether CITATION.cff and the head of README.md agree with the files, and all documents with one another."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from pipeline.manifest.documents.hub_head import FENCE, size_category
from pipeline.manifest.documents.licences import LICENCES
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.known_keys import CFF_KEYS, HUB_KEYS
from pipeline.manifest.verify.told import Told, exists, locations_in

_CFF_REQUIRED: Final = ("authors", "cff-version", "message", "title", "version", "date-released", "license", "type")
_HEAD_REQUIRED: Final = ("pretty_name", "license", "configs", "size_categories")

_TERMS: Final = re.compile(
    r"# Licences of (?P<title>.+), version (?P<version>\S+)\n(?s:.*?)\n## This compilation\n\n.+ \((?P<license>\S+)\), "
)


def terms_of(text: str) -> Mapping[str, Any]:
    """Title, version and the compilation's licence of LICENSES.md; ValueError where it tells of none."""
    found = _TERMS.match(text)
    if found is None:
        raise ValueError("does not say which licence the compilation has")
    return found.groupdict()


def head_of(text: str) -> Mapping[str, Any]:
    """The YAML head of a card; ValueError where it has none."""
    _, fence, rest = text.partition(FENCE)
    head, closing, _ = rest.partition(FENCE)
    plain = yaml.safe_load(head) if fence and closing and text.startswith(FENCE) else None
    if not isinstance(plain, Mapping):
        raise ValueError("has no YAML head between two lines of ---")
    return plain


def check_head(told: Told, text: str) -> Iterator[Finding]:
    """Findings on the card and its head."""
    yield from told.unknown(HUB_KEYS)
    yield from _required(told, _HEAD_REQUIRED)
    for config in told.plain.get("configs") or ():
        for file in config.get("data_files") or ():
            path = str(file.get("path"))
            if not exists(told.tree, path):
                yield told.finding("head configs", f"names {path}, which is not there")
    if locations_in(told.tree) is not None:
        size = [size_category(len(told.tree.index))]
        yield from told.differs("head size_categories", told.plain.get("size_categories"), size, "the index")
    digest = told.tree.provenance.get("content_digest", {}).get("dataset")
    if digest and digest not in text:
        yield told.finding("", f"does not give the content digest {digest} of provenance.json")


def check_citation(told: Told) -> Iterator[Finding]:
    """Findings on CITATION.cff."""
    yield from told.unknown(CFF_KEYS)
    yield from _required(told, _CFF_REQUIRED)
    digest = told.tree.provenance.get("content_digest", {}).get("dataset")
    values = [one.get("value") for one in told.plain.get("identifiers") or () if isinstance(one, Mapping)]
    if digest and digest not in values:
        yield told.finding("identifiers", f"does not give the content digest {digest} of provenance.json")


def check_agreement(documents: Mapping[str, Told]) -> Iterator[Finding]:
    """Findings where documents call the release different things; `documents` by name in the manifest."""
    release = next(iter(documents.values())).tree.provenance.get("release") if documents else None
    for name, told in documents.items():
        if not isinstance(release, Mapping):
            break
        keys = _RELEASE[name]
        for what, key in keys.items():
            yield from told.differs(key, _plain(told.plain.get(key)), _plain(release.get(what)), "provenance.json")
    yield from _same(documents, _TITLES, "title")
    yield from _same(documents, _LICENCES, "licence")


_RELEASE: Final[Mapping[str, Mapping[str, str]]] = {
    "croissant.json": {"version": "version", "date": "datePublished"},
    "collection.json": {"version": "version"},
    "CITATION.cff": {"version": "version", "date": "date-released", "doi": "doi"},
    "README.md": {"version": "version"},
    "LICENSES.md": {"version": "version"},
}
_TITLES: Final = {
    "croissant.json": "name",
    "collection.json": "title",
    "CITATION.cff": "title",
    "README.md": "pretty_name",
    "LICENSES.md": "title",
}
_LICENCES: Final = dict.fromkeys(_TITLES, "license")


def _same(documents: Mapping[str, Told], keys: Mapping[str, str], what: str) -> Iterator[Finding]:
    said = {name: _licence(told.plain.get(keys[name])) for name, told in documents.items()}
    first = next(iter(said), None)
    for name, value in said.items():
        if first is not None and value != said[first]:
            told = documents[name]
            yield told.finding(keys[name], f"gives the {what} {value!r}, but {first} gives {said[first]!r}")


def _licence(value: Any) -> Any:
    """The SPDX identifier of a licence under any of its names; anything else as it is."""
    plain = value[0] if isinstance(value, list) and len(value) == 1 else value
    return next((known.spdx for known in LICENCES.values() if plain in (known.spdx, known.url, known.hub)), plain)


def _plain(value: Any) -> Any:
    return None if value is None else str(value)


def _required(told: Told, keys: tuple[str, ...]) -> Iterator[Finding]:
    for key in keys:
        if key not in told.plain:
            yield told.finding(key, f"lacks the key '{key}'")
