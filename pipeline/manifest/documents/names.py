"""Who made a data set, what it is called where only plain letters are allowed, and how it is cited."""

import re
from dataclasses import dataclass
from typing import Final

from pipeline.manifest.described import Described
from pipeline.manifest.documents.kinds import title_of
from pipeline.schema.release import Creator

NOBODY: Final = Creator(name="NoLDO contributors")
"""Where a release names no creator."""


@dataclass(frozen=True)
class PersonName:
    """A person's name in its parts."""

    family: str
    given: str


def creators_of(described: Described) -> tuple[Creator, ...]:
    """The makers, at least one."""
    return described.release.creators or (NOBODY,)


def person_name(creator: Creator) -> PersonName | None:
    """The parts of a person's name, 'Family, Given'; None for an organisation."""
    family, comma, given = creator.name.partition(",")
    if comma or creator.orcid:
        return PersonName(family.strip(), given.strip())
    return None


def orcid_url(creator: Creator) -> str | None:
    """The URL of a creator's ORCID iD."""
    return f"https://orcid.org/{creator.orcid}" if creator.orcid else None


def slug(text: str) -> str:
    """A text in lower-case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def collection_id(described: Described) -> str:
    """The STAC id: what the Hub's repository, or else the title before its colon, is called."""
    release = described.release
    return slug(release.hub.rpartition("/")[2] if release.hub else title_of(described).partition(":")[0])


def home_of(described: Described) -> str | None:
    """Where the release is found: its DOI, its own URL, or its page on the Hub; None where it has none of them."""
    release = described.release
    if release.doi:
        return f"https://doi.org/{release.doi}"
    return release.url or (f"https://huggingface.co/datasets/{release.hub}" if release.hub else None)


def bibtex(described: Described) -> str:
    """The data set's own BibTeX entry."""
    release, braces = described.release, "{{{}}}"
    fields = {
        "title": title_of(described),
        "author": " and ".join(_bibtex_name(creator) for creator in creators_of(described)),
        "year": str(described.date.year),
        "version": release.version,
        "doi": release.doi,
        "url": release.url or home_of(described),
    }
    lines = [f"  {name} = {braces.format(value)}" for name, value in fields.items() if value]
    return f"@misc{{{collection_id(described)},\n" + ",\n".join(lines) + "\n}"


def _bibtex_name(creator: Creator) -> str:
    # Braces keep an organisation's name from being taken apart.
    return creator.name if person_name(creator) else f"{{{creator.name}}}"
