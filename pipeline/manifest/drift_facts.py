"""What two manifests say of how their data sets were made: recipe, code, release and licences, key by key."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from pipeline.files import is_file, storage_reason
from pipeline.schema.errors import NoldoError
from pipeline.schema.paths import AnyPath

PROVENANCE: Final = "provenance.json"
CROISSANT: Final = "croissant.json"
LICENCES: Final = "LICENSES.md"

Section = Literal["recipe", "code", "release", "licences"]
SECTIONS: Final[tuple[Section, ...]] = ("recipe", "code", "release", "licences")

_TOLD: Final = (
    "content_digest", "recipe_digest", "recipe", "source", "release", "data", "emulated", "code", "environment",
)  # fmt: skip
"""Keys of a provenance that are told elsewhere, or follow from others; the rest of it counts as code."""


@dataclass(frozen=True)
class FactChange:
    """One key that the two manifests state differently."""

    section: Section
    key: str
    """With dots, for example seasons.cloud_max_pct, or packages.zarr."""
    kind: Literal["added", "removed", "changed"]
    """Added: only the published manifest has it; removed: only ours."""
    ours: Any
    """None where we do not have it."""
    published: Any


Facts = Mapping[Section, Mapping[str, Any]]


@dataclass(frozen=True)
class ManifestFacts:
    """What a manifest says of its making."""

    dataset: str | None
    """The content digest of the data set."""
    facts: Facts


def read_facts(manifest: AnyPath | None) -> ManifestFacts | None:
    """What the manifest in a folder says, None where it has no provenance; NoldoError where that cannot be read."""
    if manifest is None or not is_file(manifest / PROVENANCE):
        return None
    provenance = _read_object(manifest / PROVENANCE)
    recipe = {"source": provenance.get("source"), **_object(provenance.get("recipe"))}
    release = _object(recipe.pop("release", None)) | _object(provenance.get("release"))
    code = _object(provenance.get("code")) | _object(provenance.get("environment"))
    code |= {key: value for key, value in provenance.items() if key not in _TOLD}
    facts: dict[Section, Mapping[str, Any]] = {
        "recipe": dict(_flat(recipe)),
        "code": dict(_flat(code)),
        "release": {key: value for key, value in _flat(release) if value not in (None, [])},
        "licences": dict(_licences(manifest)),
    }
    return ManifestFacts(_object(provenance.get("content_digest")).get("dataset"), facts)


def fact_changes(ours: ManifestFacts | None, published: ManifestFacts | None) -> tuple[FactChange, ...]:
    """Every key that differs, by section and name; nothing where one side does not say how it was made."""
    if ours is None or published is None:
        return ()
    return tuple(
        change for section in SECTIONS for change in _changes(section, ours.facts[section], published.facts[section])
    )


def _changes(section: Section, ours: Mapping[str, Any], published: Mapping[str, Any]) -> Iterator[FactChange]:
    for key in sorted({*ours, *published}):
        if key not in ours:
            yield FactChange(section, key, "added", None, published[key])
        elif key not in published:
            yield FactChange(section, key, "removed", ours[key], None)
        elif ours[key] != published[key]:
            yield FactChange(section, key, "changed", ours[key], published[key])


def _flat(plain: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Values by their dotted path; a list is one value."""
    for key, value in plain.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _licences(manifest: AnyPath) -> Iterator[tuple[str, Any]]:
    """The licences as Croissant names them, and the digest of their text."""
    if is_file(manifest / CROISSANT):
        yield "license", _read_object(manifest / CROISSANT).get("license")
    if is_file(manifest / LICENCES):
        yield LICENCES, f"sha256:{hashlib.sha256((manifest / LICENCES).read_bytes()).hexdigest()}"


def _object(plain: Any) -> dict[str, Any]:
    return dict(plain) if isinstance(plain, Mapping) else {}


def _read_object(path: AnyPath) -> dict[str, Any]:
    try:
        plain = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise NoldoError(f"{path} cannot be read ({storage_reason(error)}); restore it from a copy") from error
    if not isinstance(plain, dict):
        raise NoldoError(f"{path} is no JSON object; restore it from a copy")
    return plain
