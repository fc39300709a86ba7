from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pipeline.manifest.described import Described, Kind
from pipeline.manifest.documents.licences import CC_BY, ODBL, licence_of, licences_text, sources_of


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
