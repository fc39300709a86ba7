import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
import yaml

from pipeline.manifest.described import Described, Kind
from pipeline.manifest.documents import documents
from pipeline.manifest.documents.licences import CC_BY, LICENCES, ODBL, licence_of, licences_text, sources_of
from pipeline.schema.errors import UsageError
from pipeline.schema.release import LicenceId, ReleaseSettings


def imported(described: Described, **source: Any) -> Described:
    return replace(described, provenance={**described.provenance, "source": {"kind": "import", **source}})


@pytest.mark.parametrize(
    ("kind", "needed"),
    [
        ("pretraining", "partnership with National Geographic Society"),
        ("dw", "PANGAEA.933475"),
        ("osm", "(c) OpenStreetMap contributors"),
        ("dfc2020", "Data Fusion Contest"),
    ],
)
def test_sources_get_the_words_that_they_ask_for(
    describe_made_up: Callable[..., Described], kind: Kind, needed: str
) -> None:
    text = licences_text(describe_made_up(kind))
    assert needed in text
    assert "Legal notice on the use of Copernicus Sentinel Data" in text
    assert "Contains modified Copernicus Sentinel data 2020-2021." in text


def test_open_street_map_decides_the_licence(describe_made_up: Callable[..., Described]) -> None:
    assert licence_of(describe_made_up("osm")) is ODBL
    assert licence_of(describe_made_up("osm", emulated=True)) is CC_BY
    assert licence_of(describe_made_up("pretraining")) is CC_BY


@pytest.mark.parametrize("spdx", LICENCES)
def test_a_publisher_chooses_the_licence_in_every_document(
    describe_made_up: Callable[..., Described], schema: Callable[[str], Any], spdx: LicenceId
) -> None:
    described = describe_made_up(release=ReleaseSettings(licence=spdx))
    found = {name: data.decode() for name, data in documents(described).items()}
    assert f"({spdx}), {LICENCES[spdx].url}" in found["LICENSES.md"]
    assert json.loads(found["croissant.json"])["license"] == [LICENCES[spdx].url]
    assert json.loads(found["collection.json"])["license"] == spdx
    citation = yaml.safe_load(found["CITATION.cff"])
    jsonschema.Draft7Validator(schema("cff-1.2.0.json")).validate(citation)
    assert citation["license"] == spdx
    assert f"license: {LICENCES[spdx].hub}\n" in found["README.md"]
    assert "Dynamic World" in found["LICENSES.md"]  # the sources' terms are theirs


def test_open_street_map_keeps_its_licence(describe_made_up: Callable[..., Described]) -> None:
    assert licence_of(describe_made_up("osm", release=ReleaseSettings(licence="ODbL-1.0"))) is ODBL
    other = ReleaseSettings(licence="CC-BY-4.0")
    with pytest.raises(UsageError, match=r"^release\.licence is CC-BY-4\.0, but .* --set release\.licence=ODbL-1\.0$"):
        licence_of(describe_made_up("osm", release=other))
    assert licence_of(describe_made_up("osm", emulated=True, release=other)) is CC_BY


def test_an_emulated_set_owes_nothing_to_satellites(describe_made_up: Callable[..., Described]) -> None:
    described = describe_made_up("osm", emulated=True)
    assert sources_of(described) == ()
    text = licences_text(described)
    assert "Nothing that is anybody else's." in text
    assert "EMULATED" in text
    assert [source.name for source in sources_of(describe_made_up(emulated=True))] == ["GeoNames"]


def test_imported_files_are_owed_to_those_who_published_them(describe_made_up: Callable[..., Described]) -> None:
    names = {one.name for one in sources_of(imported(describe_made_up(), edition="ssl4eo", labels="nol.zip"))}
    assert {"SSL4EO-S12", "NoLDO-S12", "Dynamic World V1"} <= names
    tiles = {one.name for one in sources_of(imported(describe_made_up("dw"), layout="noldo-dw"))}
    assert "NoLDO-S12" in tiles
    assert "SSL4EO-S12" not in tiles
    unlabelled = {one.name for one in sources_of(imported(describe_made_up(), edition="ssl4eo-v1.1", labels=None))}
    assert unlabelled.isdisjoint({"Dynamic World V1", "NoLDO-S12"})
    assert "NoLDO-S12" not in {one.name for one in sources_of(describe_made_up())}
