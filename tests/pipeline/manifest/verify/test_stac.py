import json
from collections.abc import Callable
from typing import Any

import pytest

Rewritten = Callable[[str, Callable[[str], str]], list[str]]

COLLECTION = "manifest/collection.json"
Asset = Callable[[Any], Any]


def link(plain: Any, href: str) -> Any:
    return next(one for one in plain["links"] if one["href"] == href)


def asset(plain: Any) -> Any:
    return plain["assets"]["dw_train"]


CHANGES: dict[str, tuple[Asset, str]] = {
    "an asset that is not there": (
        lambda p: asset(p).update(href="../store/dw_tarin.zarr"),
        "assets.dw_train: leads to store/dw_tarin.zarr, which is no store here",
    ),
    "a store without an asset": (lambda p: p["assets"].pop("dw_test"), "no asset leads to store/dw_test.zarr"),
    "a checksum": (
        lambda p: link(p, "./index.parquet").update({"file:checksum": "1220" + "0" * 64}),
        "links ./index.parquet file:checksum: says '122000",
    ),
    "a checksum that is no multihash": (
        lambda p: link(p, "./index.parquet").update({"file:checksum": link(p, "./index.parquet")["file:checksum"][4:]}),
        "links ./index.parquet file:checksum: says '",
    ),
    "a size": (lambda p: link(p, "./index.parquet").update({"file:size": 3}), "file:size: says 3"),
    "a link into nothing": (
        lambda p: link(p, "./README.md").update(href="./READNE.md"),
        "leads to manifest/READNE.md, which is not there",
    ),
    "a table left out": (
        lambda p: p["links"].remove(link(p, "./digests.parquet")),
        "no link leads to manifest/digests",
    ),
    "a shape": (
        lambda p: asset(p)["cube:variables"]["s2"].update({"noldo:shape": [4, 13, 22, 23]}),
        "dw_train s2 noldo:shape: says [4, 13, 22, 23], but store/dw_train.zarr has [4, 13, 22, 22]",
    ),
    "a dimension's length": (
        lambda p: asset(p)["cube:dimensions"]["tile"].update(extent=[0, 9]),
        "dimension tile: says [0, 9], but store/dw_train.zarr has [0, 3]",
    ),
    "the order of dimensions": (
        lambda p: asset(p)["cube:variables"]["dw"].update(dimensions=["tile", "x", "y"]),
        "dw dimensions: says ['tile', 'x', 'y']",
    ),
    "the order of bands": (
        lambda p: asset(p)["cube:dimensions"]["s1_band"].update(values=["VH", "VV"]),
        "dimension s1_band: says ['VH', 'VV'], but store/dw_train.zarr has ['VV', 'VH']",
    ),
    "a type of values": (
        lambda p: asset(p)["cube:variables"]["s1"].update(data_type="float64"),
        "s1 data_type: says 'float64', but store/dw_train.zarr has 'float32'",
    ),
    "an array left out": (lambda p: asset(p)["cube:variables"].pop("ignore"), "cube:variables: says ['dw', 'epsg'"),
    "a dimension of nothing": (
        lambda p: asset(p)["cube:dimensions"].update(time={"type": "temporal", "extent": ["2019", "2020"]}),
        "cube:dimensions: says ",
    ),
    "an array's digest": (
        lambda p: asset(p)["cube:variables"]["dw"].update({"noldo:content_digest": "sha256:0"}),
        "dw noldo:content_digest: says 'sha256:0', but provenance.json",
    ),
    "a store's digest": (
        lambda p: asset(p).update({"noldo:content_digest": "sha256:0"}),
        "assets.dw_train noldo:content_digest: says 'sha256:0', but store/dw_train.zarr",
    ),
    "the data set's digest": (
        lambda p: p.update({"noldo:content_digest": "sha256:0"}),
        "noldo:content_digest: says 'sha256:0', but provenance.json",
    ),
    "a box": (lambda p: p["extent"]["spatial"].update(bbox=[[0, 0, 1, 1]]), "extent.spatial.bbox: says [[0, 0, 1, 1]]"),
    "a time": (
        lambda p: p["extent"]["temporal"].update(interval=[["2019-05-04T10:03:03Z", "2019-05-04T10:03:02Z"]]),
        "extent.temporal.interval: says [['2019-05-04T10:03:03Z'",
    ),
    "the zones": (lambda p: p["summaries"]["proj:code"].pop(), "summaries.proj:code: says "),
    "a zone for all": (lambda p: asset(p).update({"proj:code": "EPSG:32632"}), "proj:code: says 'EPSG:32632'"),
    "a format": (lambda p: asset(p).update({"zarr:zarr_format": 2}), "zarr:zarr_format: says 2"),
    "what is not consolidated": (
        lambda p: asset(p).update({"zarr:consolidated": True}),
        "zarr:consolidated: is true, but store/dw_train.zarr has no consolidated metadata",
    ),
    "a misspelt key": (
        lambda p: asset(p).update({"proj:shap": [1, 1]}),
        "no known key 'proj:shap'; did you mean 'proj:shape'?",
    ),
    "a version": (lambda p: p.update(stac_version="1.0.0"), "stac_version: says '1.0.0'"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_does_not_agree_is_found(rewritten: Rewritten, what: str) -> None:
    change, expected = CHANGES[what]

    def changed(text: str) -> str:
        plain = json.loads(text)
        change(plain)
        return json.dumps(plain)

    lines = rewritten(COLLECTION, changed)
    assert any(expected in line for line in lines), lines
    assert all(line.startswith(COLLECTION) for line in lines)
