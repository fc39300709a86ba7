"""What the public validator makes of croissant.json, and what the document says."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.manifest.described import Described
from pipeline.manifest.documents.croissant import croissant_record
from pipeline.schema.release import Creator, ReleaseSettings

# mlcroissant 1.1.1 asks rdflib 7 and pandas 3 for what they have deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The inplace keyword:pandas.errors.Pandas4Warning"),
]

UNFILLED = "recommended to be defined"


def load(path: Path) -> Any:
    import mlcroissant  # two seconds of imports, which a run of other tests is spared

    return mlcroissant.Dataset(str(path))


def test_the_public_validator_takes_it_and_misses_nothing(tree: Path) -> None:
    report = load(tree / "manifest/croissant.json").metadata.ctx.issues.report()
    assert "error" not in report.lower()
    assert UNFILLED not in report


def test_every_record_set_loads_offline_with_the_rows_of_its_table(tree: Path) -> None:
    found = load(tree / "manifest/croissant.json")
    loaded = {one.id: list(found.records(one.id)) for one in found.metadata.record_sets}
    index = pq.read_table(tree / "manifest/index.parquet").to_pylist()
    samples = loaded.pop("samples")
    assert [record["samples/location_id"].decode() for record in samples] == [row["location_id"] for row in index]
    for record, row in zip(samples, index, strict=True):
        assert record["samples/row"] == row["row"]
        assert list(record["samples/geotransform"]) == row["geotransform"]
        assert record["samples/s2_datetime"] == row["s2_datetime"]
        assert record["samples/label_valid_frac"] == row["label_valid_frac"]
    assert {len(loaded[name]) for name in ("classes-dw",)} == {9}
    for split in {row["split"] for row in index}:
        own = [row for row in index if row["split"] == split]
        if len(own) < len(index):
            assert len(loaded[f"samples-{split}"]) == len(own)
    for table in ("digests", "assets", "dropped"):
        assert len(loaded[table]) == pq.read_metadata(tree / f"manifest/{table}.parquet").num_rows


def test_a_wrong_hash_only_shows_when_the_records_are_read(tree: Path, tmp_path: Path) -> None:
    text = (tree / "manifest/croissant.json").read_text()
    plain: dict[str, Any] = json.loads(text)
    index = next(node for node in plain["distribution"] if node["@id"] == "index.parquet")
    index["sha256"] = "0" * 64
    changed = tmp_path / "croissant.json"
    changed.write_text(json.dumps(plain))
    (tmp_path / "index.parquet").write_bytes((tree / "manifest/index.parquet").read_bytes())
    found = load(changed)
    with pytest.raises(Exception, match="Download") as error:
        list(found.records("samples"))
    assert "not identical" in str(error.value.__cause__)


def test_where_when_and_what_it_was_made_from(describe_made_up: Callable[..., Described]) -> None:
    plain = croissant_record(describe_made_up())
    assert plain["spatialCoverage"]["geo"]["box"] == "-10.0 170.0 5.5 -175.0"  # south west north east
    assert plain["temporalCoverage"] == "2020-12-01T10:00:00Z/2021-11-30T11:12:13.000005Z"
    assert plain["geocr:coordinateReferenceSystem"].startswith("a UTM zone a row")
    assert plain["identifier"]["value"] == "sha256:whole"
    assert plain["prov:wasGeneratedBy"]["prov:used"]["prov:value"] == "abc"
    assert "c0ffee" in plain["prov:wasGeneratedBy"]["prov:wasAssociatedWith"]["prov:value"]
    assert {"Dynamic World V1", "GeoNames"} <= {source.get("prov:label") for source in plain["prov:wasDerivedFrom"]}
    fields = {field["name"] for one in plain["recordSet"] if one["@id"] == "samples" for field in one["field"]}
    assert "geotransform" in fields
    assert "geometry" not in fields
    assert "url" not in plain


@pytest.mark.parametrize("kind", ["pretraining", "dw", "osm", "dfc2020"])
def test_every_kind_has_its_responsible_ai_part(describe_made_up: Callable[..., Described], kind: str) -> None:
    plain = croissant_record(describe_made_up(kind))
    for key in ("dataCollection", "dataLimitations", "dataBiases", "dataAnnotationProtocol", "dataUseCases"):
        assert plain[f"rai:{key}"]


def test_a_release_is_told_by_its_own_names(describe_made_up: Callable[..., Described]) -> None:
    orcid = "0000-0002-1825-0097"
    release = ReleaseSettings(
        version="1.2.3",
        title="Ours",
        creators=(Creator(name="Carberry, Josiah", orcid=orcid, affiliation="Brown"), Creator(name="A House")),
        doi="10.5281/zenodo.1",
    )
    plain: Mapping[str, Any] = croissant_record(describe_made_up(release=release))
    assert (plain["name"], plain["version"], plain["url"]) == ("Ours", "1.2.3", "https://doi.org/10.5281/zenodo.1")
    person, house = plain["creator"]
    assert person["@type"] == "sc:Person"
    assert person["name"] == "Josiah Carberry"
    assert person["url"].endswith(orcid)
    assert house == {"@type": "sc:Organization", "name": "A House"}
    assert "author = {Carberry, Josiah and {A House}}" in plain["citeAs"]
