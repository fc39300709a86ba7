from typing import Any

import pytest


@pytest.fixture
def tables(ee: Any) -> tuple[Any, Any]:
    """Primary times 0, 100, 200; secondary times 90, 110, 500."""
    return tuple(
        ee.FeatureCollection([ee.Feature(None, {"name": f"{prefix}{t}", "t": t}) for t in times])
        for prefix, times in (("p", (0, 100, 200)), ("s", (90, 110, 500)))
    )  # type: ignore[return-value]


@pytest.fixture
def near(ee: Any) -> Any:
    """Within 95 of each other."""
    return ee.Filter.maxDifference(difference=95, leftField="t", rightField="t")


def test_simple_and_inverted(ee: Any, tables: tuple[Any, Any], near: Any) -> None:
    assert ee.Join.simple().apply(*tables, near).aggregate_array("name").getInfo() == ["p0", "p100", "p200"]
    close = ee.Filter.maxDifference(difference=20, leftField="t", rightField="t")
    assert ee.Join.simple().apply(*tables, close).aggregate_array("name").getInfo() == ["p100"]
    assert ee.Join.inverted().apply(*tables, close).aggregate_array("name").getInfo() == ["p0", "p200"]


def test_inner_makes_a_feature_a_pair(ee: Any, tables: tuple[Any, Any], near: Any) -> None:
    rows = ee.Join.inner("a", "b", "apart").apply(*tables, near).getInfo()["features"]
    pairs = [(r["properties"]["a"]["properties"]["name"], r["properties"]["b"]["properties"]["name"]) for r in rows]
    assert pairs == [("p0", "s90"), ("p100", "s90"), ("p100", "s110"), ("p200", "s110")]
    assert [r["properties"]["apart"] for r in rows] == [90, 10, 10, 90]
    assert rows[1]["id"] == "1_0"


def test_save_first_follows_the_ordering(ee: Any, tables: tuple[Any, Any], near: Any) -> None:
    def first(ascending: bool, outer: bool = False, width: float = 95) -> list[Any]:
        condition = ee.Filter.maxDifference(difference=width, leftField="t", rightField="t")
        joined = ee.Join.saveFirst("m", "t", ascending, None, outer).apply(*tables, condition)
        return [f["properties"].get("m", {}).get("properties", {}).get("name") for f in joined.getInfo()["features"]]

    assert first(ascending=True) == ["s90", "s90", "s110"]
    assert first(ascending=False) == ["s90", "s110", "s110"]
    assert first(ascending=True, width=20) == ["s90"]
    assert first(ascending=True, width=20, outer=True) == [None, "s90", None]


def test_save_all_and_its_measure(ee: Any, tables: tuple[Any, Any], near: Any) -> None:
    joined = ee.Join.saveAll("m", "t", False, "apart").apply(*tables, near).getInfo()["features"]
    found = [[(m["properties"]["name"], m["properties"]["apart"]) for m in f["properties"]["m"]] for f in joined]
    assert found == [[("s90", 90)], [("s110", 10), ("s90", 10)], [("s110", 90)]]


def test_save_best_takes_the_smallest_measure(ee: Any, tables: tuple[Any, Any]) -> None:
    wide = ee.Filter.maxDifference(difference=450, leftField="t", rightField="t")
    joined = ee.Join.saveBest("m", "apart").apply(*tables, wide)
    assert joined.map(lambda f: ee.Feature(f.get("m"))).aggregate_array("name").getInfo() == ["s90", "s90", "s110"]
    same = ee.Filter.equals(leftField="t", rightField="t")
    with pytest.raises(ee.EEException, match="gives no measure"):
        ee.Join.saveBest("m", "apart").apply(tables[0], tables[0], same).size().getInfo()


def test_a_measure_comes_through_a_conjunction(ee: Any, tables: tuple[Any, Any], near: Any) -> None:
    both = ee.Filter.And(ee.Filter.notEquals(leftField="name", rightField="name"), near)
    joined = ee.Join.saveBest("m", "apart").apply(*tables, both)
    assert joined.map(lambda f: ee.Feature(f.get("m"))).aggregate_array("apart").getInfo() == [90, 10, 90]
