"""CITATION.cff: how to cite a data set (Citation File Format 1.2.0)."""

from typing import Any, Final

import yaml

from pipeline.manifest.described import Described
from pipeline.manifest.documents.kinds import dataset_digest, keywords_of, summary_of, title_of
from pipeline.manifest.documents.licences import licence_of, sources_of
from pipeline.manifest.documents.names import creators_of, home_of, orcid_url, person_name
from pipeline.schema.release import Creator

CFF_VERSION: Final = "1.2.0"

PAPER: Final[dict[str, Any]] = {
    "type": "article",
    "title": "CromSS: Cross-modal pretraining with noisy labels for remote sensing image segmentation",
    "authors": [
        {"family-names": "Liu", "given-names": "Chenying"},
        {"family-names": "Albrecht", "given-names": "Conrad M."},
        {"family-names": "Wang", "given-names": "Yi"},
        {"family-names": "Zhu", "given-names": "Xiao Xiang"},
    ],
    "journal": "IEEE Transactions on Geoscience and Remote Sensing",
    "year": 2025,
    "url": "https://arxiv.org/abs/2405.01217",
}
"""The paper whose data set is built here anew."""


def citation_text(described: Described) -> str:
    """CITATION.cff."""
    release = described.release
    plain: dict[str, Any] = {
        "cff-version": CFF_VERSION,
        "message": "If you use this data set, please cite it, and what it was made from.",
        "type": "dataset",
        "title": title_of(described),
        "abstract": summary_of(described),
        "authors": [_author(creator) for creator in creators_of(described)],
        "version": release.version,
        "date-released": described.date.isoformat(),
        "license": licence_of(described).spdx,
        "keywords": list(keywords_of(described)),
        "identifiers": [
            {"type": "other", "value": dataset_digest(described), "description": "Content digest of the data set"}
        ],
    }
    if release.doi:
        plain["doi"] = release.doi
    if url := release.url or home_of(described):
        plain["url"] = url
    plain["references"] = [PAPER, *(_reference(source) for source in sources_of(described))]
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120)
    return text


def _author(creator: Creator) -> dict[str, str]:
    person = person_name(creator)
    if person is None:
        return {"name": creator.name}
    found = {"family-names": person.family}
    if person.given:
        found["given-names"] = person.given
    if creator.affiliation:
        found["affiliation"] = creator.affiliation
    if url := orcid_url(creator):
        found["orcid"] = url
    return found


def _reference(source: Any) -> dict[str, Any]:
    found = {"type": "data", "title": source.name, "authors": [{"name": source.name}], "url": source.uri}
    return {**found, "notes": source.reference} if source.reference else found
