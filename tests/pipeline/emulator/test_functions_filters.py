from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def kept(ee: Any) -> Callable[[Any], list[str]]:
    """Names of the features that pass a filter."""
    features = [
        ee.Feature(ee.Geometry.Point([0, 0]), {"name": "a", "n": 1, "tags": ["x", "y"], "t": 1000}),
        ee.Feature(ee.Geometry.Point([5, 5]), {"name": "ab", "n": 2, "tags": ["y"], "t": 2000}),
        ee.Feature(ee.Geometry.Point([9, 9]), {"name": "c", "tags": []}),
    ]
    table = ee.FeatureCollection(features)
    return lambda condition: list(table.filter(condition).aggregate_array("name").getInfo())


def test_comparisons(ee: Any, kept: Callable[[Any], list[str]]) -> None:
    f = ee.Filter
    assert kept(f.eq("n", 1)) == ["a"]
    assert kept(f.gt("n", 1)) == ["ab"]
    assert kept(f.And(f.gte("n", 2), f.notNull(["n"]))) == ["ab"]
    assert kept(f.lt("n", 2)) == ["a"]
    assert kept(f.And(f.lte("n", 1), f.notNull(["n"]))) == ["a"]
    assert kept(f.rangeContains("n", 2, 5)) == ["ab"]
    assert kept(f.lt("name", "b")) == ["a", "ab"]


def test_a_missing_property_fails_a_test_and_passes_its_opposite(ee: Any, kept: Callable[[Any], list[str]]) -> None:
    assert kept(ee.Filter.gt("n", -100)) == ["a", "ab"]
    assert kept(ee.Filter.neq("n", 1)) == ["ab", "c"]
    assert kept(ee.Filter.notEquals("n", 1)) == ["ab", "c"]
    assert kept(ee.Filter.gte("n", 2)) == ["ab", "c"]
    assert kept(ee.Filter.greaterThanOrEquals("n", 2)) == ["ab", "c"]
    assert kept(ee.Filter.notNull(["n"])) == ["a", "ab"]


def test_types_that_do_not_compare_fail(ee: Any, kept: Callable[[Any], list[str]]) -> None:
    assert kept(ee.Filter.lt("name", 5)) == []


def test_lists_and_strings(ee: Any, kept: Callable[[Any], list[str]]) -> None:
    f = ee.Filter
    assert kept(f.listContains("tags", "y")) == ["a", "ab"]
    assert kept(f.inList("name", ["c", "a"])) == ["a", "c"]
    assert kept(f.stringStartsWith("name", "a")) == ["a", "ab"]
    assert kept(f.stringEndsWith("name", "b")) == ["ab"]
    assert kept(f.stringContains("name", "b")) == ["ab"]


def test_logic(ee: Any, kept: Callable[[Any], list[str]]) -> None:
    one, two = ee.Filter.eq("n", 1), ee.Filter.listContains("tags", "y")
    assert kept(ee.Filter.And(one, two)) == ["a"]
    assert kept(ee.Filter.Or(one, two)) == ["a", "ab"]
    assert kept(one.Not()) == ["ab", "c"]


def test_places(ee: Any, kept: Callable[[Any], list[str]]) -> None:
    box = ee.Geometry.Rectangle([-1, -1, 5, 5], None, False)
    assert kept(ee.Filter.bounds(box)) == ["a", "ab"]
    assert kept(ee.Filter.intersects(".geo", box)) == ["a", "ab"]
    assert kept(ee.Filter.isContained(".geo", box)) == ["a", "ab"]
    assert kept(ee.Filter.contains(leftValue=box, rightField=".geo")) == ["a", "ab"]
    assert kept(ee.Filter.disjoint(".geo", box)) == ["c"]


def test_dates_and_differences(ee: Any, kept: Callable[[Any], list[str]]) -> None:
    span = ee.DateRange(1000, 2000)
    assert kept(ee.Filter.dateRangeContains(leftValue=span, rightField="t")) == ["a"]
    assert kept(ee.Filter.maxDifference(difference=600, leftField="t", rightValue=1500)) == ["a", "ab"]
    assert kept(ee.Filter.maxDifference(difference=400, leftField="t", rightValue=1500)) == []


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"leftField": "n"}, "'rightField' and 'rightValue' is required"),
        ({"rightValue": 1}, "'leftField' and 'leftValue' is required"),
        ({"leftField": "n", "leftValue": 1, "rightValue": 1}, "'leftField' or 'leftValue', not both"),
        ({"leftField": "n", "rightField": "n", "rightValue": 1}, "'rightField' or 'rightValue', not both"),
    ],
)
def test_a_filter_without_two_operands_is_refused(compute: Any, arguments: dict[str, Any], word: str) -> None:
    answer = compute("Filter.equals", **{k: {"constantValue": v} for k, v in arguments.items()})
    assert answer.status == 400
    assert word in answer.message


def test_a_filter_has_no_json_form(ee: Any) -> None:
    with pytest.raises(ee.EEException, match="type Filter has no JSON form"):
        ee.Filter.eq("a", 1).getInfo()
