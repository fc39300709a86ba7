"""What a reader needs to check the data set: its digests, its source, the commands."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import yaml

from pipeline.schema.layout import RunLayout

_SHA256 = re.compile(r"(sha256:)?[0-9a-f]{64}")


class Checked(Protocol):
    """What the section needs of a run."""

    @property
    def layout(self) -> RunLayout:
        """Where it lies."""
        ...

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Its provenance record; empty where there is none."""
        ...


@dataclass(frozen=True)
class CheckView:
    """The last section of the page."""

    digests: tuple[tuple[str, str], ...]
    """(name, SHA-256 in hexadecimal)."""
    facts: tuple[tuple[str, str], ...]
    """(name, value) of everything else in the provenance record but the recipe."""
    recipe: str
    """The recipe as published, YAML; empty where there is no provenance record."""
    has_checksums: bool
    """Whether the manifest lists the files' SHA-256 sums."""


def check_view(run: Checked) -> CheckView:
    """Sort the provenance record into digests, other facts and the recipe."""
    recipe = run.provenance.get("recipe")
    entries = list(_flat({key: value for key, value in run.provenance.items() if key != "recipe"}))
    return CheckView(
        digests=tuple(entry for entry in entries if _SHA256.fullmatch(entry[1])),
        facts=tuple(entry for entry in entries if not _SHA256.fullmatch(entry[1])),
        recipe=yaml.safe_dump(recipe, sort_keys=False) if recipe else "",
        has_checksums=(run.layout.manifest / "manifest-sha256.txt").is_file(),
    )


def _flat(plain: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in plain.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name} · ")
        elif isinstance(value, list):
            yield name, ", ".join(str(entry) for entry in value)
        elif isinstance(value, bool):
            yield name, "yes" if value else "no"
        elif value is not None:
            yield name, str(value)
