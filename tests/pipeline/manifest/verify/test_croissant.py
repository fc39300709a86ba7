import json
from collections.abc import Callable
from typing import Any

import pytest

Rewritten = Callable[[str, Callable[[str], str]], list[str]]

CROISSANT = "manifest/croissant.json"


def of(plain: Any, key: str, name: str) -> Any:
    return next(one for one in plain[key] if one["@id"] == name)


def field(plain: Any, name: str) -> Any:
    return next(one for one in of(plain, "recordSet", name.partition("/")[0])["field"] if one["@id"] == name)


def set_at(plain: Any, *path: str, to: Any) -> None:
    for key in path[:-1]:
        plain = plain[key]
    plain[path[-1]] = to


CHANGES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "a type that does not fit": (
        lambda p: field(p, "samples/row").update(dataType="sc:Text"),
        "field samples/row: is sc:Text, but 'row' in manifest/index.parquet is int",
    ),
    "an array that is none": (
        lambda p: field(p, "samples/season").update(isArray=True),
        "field samples/season: is sc:Integer",
    ),
    "a size": (
        lambda p: of(p, "distribution", "digests.parquet").update(contentSize="1 B"),
        "distribution digests.parquet contentSize: says '1 B'",
    ),
    "a file that is not there": (
        lambda p: of(p, "distribution", "digests.parquet").update(contentUrl="digest.parquet"),
        "names manifest/digest.parquet, which is not there",
    ),
    "a table left out": (
        lambda p: p["distribution"].remove(of(p, "distribution", "assets.parquet")),
        "distribution: does not name manifest/assets.parquet",
    ),
    "a store that is not there": (
        lambda p: of(p, "distribution", "store/dw_test.zarr").update(includes="../store/dw_tset.zarr/**"),
        "names store/dw_tset.zarr, which is no store here",
    ),
    "a reference into nothing": (
        lambda p: field(p, "samples/split").update(references={"field": {"@id": "splits/nam"}}),
        "refers to 'splits/nam', which is not defined",
    ),
    "a name given twice": (
        lambda p: p["recordSet"].append({**of(p, "recordSet", "splits")}),
        "splits: is defined 2 times",
    ),
    "splits of another set": (
        lambda p: of(p, "recordSet", "splits")["data"].pop(),
        "recordSet splits: says ['train'], but the index has ['test', 'train']",
    ),
    "a record with other keys": (
        lambda p: of(p, "recordSet", "splits")["data"][0].update({"splits/title": "x"}),
        "recordSet splits: has a record whose keys are not its fields",
    ),
    "a box": (
        lambda p: set_at(p, "spatialCoverage", "geo", "box", to="0.0 0.0 1.0 1.0"),
        "spatialCoverage: says '0.0 0.0 1.0 1.0', but the index has",
    ),
    "a time": (lambda p: p.update(temporalCoverage="2019/2020"), "temporalCoverage: says '2019/2020'"),
    "a digest": (
        lambda p: set_at(p, "identifier", "value", to="sha256:0"),
        "identifier, the content digest,: says 'sha256:0'",
    ),
    "a count": (lambda p: set_at(p, "size", "value", to=7), "size: says 7, but the index has 6"),
    "a recipe": (
        lambda p: set_at(p, "prov:wasGeneratedBy", "prov:used", "prov:value", to="other"),
        "prov:wasGeneratedBy, the recipe,: says 'other'",
    ),
    "a term of the context": (
        lambda p: set_at(p, "@context", "citeAs", to="cr:cite"),
        "@context.citeAs: is 'cr:cite', expected 'cr:citeAs'",
    ),
    "a required key": (lambda p: p.pop("license"), "has no 'license'"),
    "a conformance": (lambda p: p["conformsTo"].pop(), "conformsTo: does not name http://mlcommons.org/croissant/geo"),
    "an encoding": (
        lambda p: of(p, "distribution", "index.parquet").update(encodingFormat="application/x-parquet"),
        "distribution index.parquet encodingFormat",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_does_not_agree_is_found(rewritten: Rewritten, what: str) -> None:
    change, expected = CHANGES[what]

    def changed(text: str) -> str:
        plain = json.loads(text)
        change(plain)
        return json.dumps(plain)

    lines = rewritten(CROISSANT, changed)
    assert any(expected in line for line in lines), lines
    assert all(line.startswith(CROISSANT) or "croissant.json gives" in line for line in lines)
