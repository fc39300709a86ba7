"""What pystac makes of collection.json, core and extensions, without a network."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pystac
import pystac.validation
import pytest
from pystac.stac_io import DefaultStacIO
from pystac.validation.stac_validator import JsonSchemaSTACValidator

from pipeline.manifest.described import Described, Extent
from pipeline.manifest.documents.stac import EXTENSIONS, MULTIHASH_SHA256, collection_record

ZARR = next(uri for uri in EXTENSIONS if "/zarr/" in uri)


def file_of(uri: str) -> str:
    name, version = uri.split("/")[3:5]
    return f"stac-{name}-{version.removeprefix('v')}.json"


@pytest.fixture
def offline(schema: Callable[[str], Mapping[str, Any]]) -> Iterator[list[str]]:
    """The schemas that were asked for, all of them served from files."""
    asked: list[str] = []

    class FromFiles(DefaultStacIO):
        def read_text_from_href(self, href: str, *args: Any, **kwargs: Any) -> str:
            asked.append(href)
            return json.dumps(schema(file_of(href)))

    before = pystac.StacIO.default()
    pystac.StacIO.set_default(FromFiles)
    pystac.validation.set_validator(JsonSchemaSTACValidator())  # a new one: schemas are remembered by each
    yield asked
    pystac.StacIO.set_default(type(before))


def judged(plain: dict[str, Any]) -> set[str]:
    """The schemas that a collection was found to hold to."""
    without_zarr = {**plain, "stac_extensions": [uri for uri in plain["stac_extensions"] if uri != ZARR]}
    return {str(uri) for uri in pystac.Collection.from_dict(without_zarr).validate()}


def test_core_and_extensions_validate_offline(tree: Path, offline: list[str]) -> None:
    plain = json.loads((tree / "manifest/collection.json").read_text())
    found = judged(plain)
    assert set(EXTENSIONS) - {ZARR} <= found
    assert any("collection-spec" in uri for uri in found)
    assert set(offline) == set(EXTENSIONS) - {ZARR}
    # What the Zarr extension 1.0.0 asks of a collection, whose schema is in no package.
    for asset in plain["assets"].values():
        assert (asset["zarr:zarr_format"], asset["zarr:node_type"], asset["zarr:consolidated"]) == (3, "group", False)


def test_the_schemas_are_really_asked(tree: Path, offline: list[str]) -> None:
    plain = json.loads((tree / "manifest/collection.json").read_text())
    next(iter(plain["assets"].values()))["proj:shape"] = [24]
    with pytest.raises(pystac.errors.STACValidationError, match="projection"):
        judged(plain)


@pytest.mark.parametrize("kind", ["pretraining", "dw", "osm", "dfc2020"])
@pytest.mark.parametrize("emulated", [False, True])
def test_every_kind_validates(
    describe_made_up: Callable[..., Described], offline: list[str], kind: str, emulated: bool
) -> None:
    plain = collection_record(describe_made_up(kind, emulated=emulated))
    assert judged(plain)
    assert plain["extent"]["spatial"]["bbox"] == [[170.0, -10.0, -175.0, 5.5]]
    assert ("constellation" in plain["summaries"]) is not emulated


def test_a_set_that_lies_nobody_knows_where_says_so(
    describe_made_up: Callable[..., Described], offline: list[str]
) -> None:
    plain = collection_record(describe_made_up("dfc2020", extent=Extent(None, None, None, ())))
    assert judged(plain)
    assert "not known" in plain["description"]


def test_tables_are_linked_with_multihashes(describe_made_up: Callable[..., Described]) -> None:
    links = {link["href"]: link for link in collection_record(describe_made_up())["links"]}
    assert links["./index.parquet"]["file:checksum"] == MULTIHASH_SHA256 + "1" * 64
    assert links["./index.parquet"]["rel"] == "index"


def test_dimensions_tell_the_shapes(describe_made_up: Callable[..., Described]) -> None:
    asset = collection_record(describe_made_up())["assets"]["nol"]
    assert asset["cube:dimensions"]["location"]["extent"] == [0, 2]
    assert asset["cube:dimensions"]["s1_band"]["values"] == ["VV", "VH"]
    assert asset["cube:variables"]["s2"]["dimensions"] == ["location", "season", "s2_band", "y", "x"]
    assert asset["proj:code"] is None
    assert asset["proj:shape"] == [8, 8]
    assert "spatial" not in {dimension["type"] for dimension in asset["cube:dimensions"].values()}
