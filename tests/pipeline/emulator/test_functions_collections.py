from typing import Any

import pytest


@pytest.fixture
def table(ee: Any) -> Any:
    """Five features, one without a value."""
    values: list[Any] = [3, 1, None, 2, 1]
    features = [ee.Feature(ee.Geometry.Point([i, 0]), {"n": i, **({} if v is None else {"v": v})}) for i, v in
                enumerate(values)]  # fmt: skip
    return ee.FeatureCollection(features)


def names(collection: Any, key: str = "n") -> list[Any]:
    return list(collection.aggregate_array(key).getInfo())


def test_sort_is_stable_and_puts_nulls_last(table: Any) -> None:
    assert names(table.sort("v")) == [1, 4, 3, 0, 2]
    assert names(table.sort("v", False)) == [0, 3, 1, 4, 2]
    assert names(table.limit(2, "v")) == [1, 4]


def test_a_property_of_mixed_types_does_not_sort(ee: Any) -> None:
    mixed = ee.FeatureCollection([ee.Feature(None, {"v": 1}), ee.Feature(None, {"v": "a"})])
    with pytest.raises(ee.EEException, match="'v' does not sort"):
        mixed.sort("v").getInfo()


def test_lists_sizes_and_firsts(ee: Any, table: Any) -> None:
    assert table.size().getInfo() == 5
    assert table.first().get("n").getInfo() == 0
    assert table.toList(2, 3).map(lambda f: ee.Feature(f).get("n")).getInfo() == [3, 4]


def test_aggregations_leave_nulls_out(table: Any) -> None:
    assert names(table, "v") == [3, 1, 2, 1]
    assert table.aggregate_count("v").getInfo() == 4
    assert table.aggregate_count_distinct("v").getInfo() == 3
    assert (table.aggregate_min("v").getInfo(), table.aggregate_max("v").getInfo()) == (1, 3)
    assert table.aggregate_sum("v").getInfo() == 7
    assert table.aggregate_first("v").getInfo() == 3


def test_map_keeps_the_ids(ee: Any, table: Any) -> None:
    mapped = table.map(lambda f: ee.Feature(None, {"twice": ee.Number(f.get("n")).multiply(2)})).getInfo()
    assert [f["id"] for f in mapped["features"]] == ["0", "1", "2", "3", "4"]
    assert [f["properties"] for f in mapped["features"]] == [{"twice": 2 * i} for i in range(5)]


def test_map_may_drop_nulls_when_told(ee: Any, table: Any) -> None:
    def odd(feature: Any) -> Any:
        return ee.Algorithms.If(ee.Number(feature.get("n")).mod(2), feature, None)

    assert names(table.map(odd, True)) == [1, 3]
    with pytest.raises(ee.EEException, match="must return a Feature or Image"):
        table.map(odd).size().getInfo()


def test_distinct_keeps_the_first_of_each(table: Any) -> None:
    assert names(table.distinct("v")) == [0, 1, 2, 3]
    assert names(table.distinct(["v", "n"])) == [0, 1, 2, 3, 4]


def test_merge_and_flatten_make_new_ids(ee: Any, table: Any) -> None:
    two = table.limit(1).merge(table.limit(2))
    assert [f["id"] for f in two.getInfo()["features"]] == ["1_0", "2_0", "2_1"]
    flat = ee.FeatureCollection([table.limit(1), table.limit(2)]).flatten()
    assert [f["id"] for f in flat.getInfo()["features"]] == ["0_0", "1_0", "1_1"]
    mapped = table.limit(2).map(lambda f: ee.FeatureCollection([f, f])).flatten()
    assert names(mapped) == [0, 0, 1, 1]


def test_iterate_folds(ee: Any, table: Any) -> None:
    total = table.iterate(lambda f, sum_: ee.Number(sum_).add(ee.Number(f.get("n"))), 10)
    assert total.getInfo() == 20


def test_geometry_and_bounds_cover_all(table: Any) -> None:
    assert table.geometry().type().getInfo() == "MultiPoint"
    ring = table.bounds().coordinates().getInfo()[0]
    assert (min(x for x, _ in ring), max(x for x, _ in ring)) == (0, 4)


def test_features_arrive_in_pages(ee: Any, table: Any) -> None:
    first = ee.data.computeFeatures({"expression": table, "pageSize": 2})
    assert [f["properties"]["n"] for f in first["features"]] == [0, 1]
    assert first["type"] == "FeatureCollection"
    second = ee.data.computeFeatures({"expression": table, "pageSize": 3, "pageToken": first["nextPageToken"]})
    assert [f["properties"]["n"] for f in second["features"]] == [2, 3, 4]
    assert "nextPageToken" not in second
    assert first["features"][1]["geometry"] == {"type": "Point", "coordinates": [1, 0]}
    frame = ee.data.computeFeatures({"expression": table, "pageSize": 2, "fileFormat": "PANDAS_DATAFRAME"})
    assert frame["n"].tolist() == [0, 1, 2, 3, 4]


def test_a_bad_page_is_refused(ee: Any, table: Any) -> None:
    with pytest.raises(ee.EEException, match="page token 'x'"):
        ee.data.computeFeatures({"expression": table, "pageToken": "x"})
    with pytest.raises(ee.EEException, match="must compute a FeatureCollection"):
        ee.data.computeFeatures({"expression": ee.Number(1)})
