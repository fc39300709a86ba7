from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from pipeline.manifest.described import Described
from pipeline.manifest.documents.citation import citation_text
from pipeline.schema.release import Creator, ReleaseSettings


@pytest.fixture
def valid(schema: Callable[[str], Mapping[str, Any]]) -> Callable[[str], dict[str, Any]]:
    """The text of a citation -> it as plain data, once it holds to the schema of CFF 1.2.0."""
    judge = jsonschema.Draft7Validator(schema("cff-1.2.0.json"))

    def check(text: str) -> dict[str, Any]:
        plain: dict[str, Any] = yaml.safe_load(text)
        judge.validate(plain)
        return plain

    return check


def test_a_written_citation_is_valid(tree: Path, valid: Callable[[str], dict[str, Any]]) -> None:
    plain = valid((tree / "manifest/CITATION.cff").read_text())
    assert plain["type"] == "dataset"


@pytest.mark.parametrize("kind", ["pretraining", "dw", "osm", "dfc2020"])
def test_every_kind_cites_its_sources(
    describe_made_up: Callable[..., Described], valid: Callable[[str], dict[str, Any]], kind: str
) -> None:
    plain = valid(citation_text(describe_made_up(kind)))
    assert any("Copernicus" in reference["title"] for reference in plain["references"])
    assert plain["license"] == ("ODbL-1.0" if kind == "osm" else "CC-BY-4.0")


def test_makers_and_names_of_a_release(
    describe_made_up: Callable[..., Described], valid: Callable[[str], dict[str, Any]]
) -> None:
    person = Creator(name="Carberry, Josiah", orcid="0000-0002-1825-0097", affiliation="Brown")
    release = ReleaseSettings(version="2.0.0", creators=(person, Creator(name="A House")), doi="10.5281/zenodo.1")
    plain = valid(citation_text(describe_made_up(release=release)))
    assert plain["authors"] == [
        {
            "family-names": "Carberry",
            "given-names": "Josiah",
            "affiliation": "Brown",
            "orcid": "https://orcid.org/0000-0002-1825-0097",
        },
        {"name": "A House"},
    ]
    assert (plain["version"], plain["doi"], str(plain["date-released"])) == ("2.0.0", "10.5281/zenodo.1", "2026-03-01")
