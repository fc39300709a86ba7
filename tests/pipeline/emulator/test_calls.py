"""Every call is held against the signatures that the real service publishes."""

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.emulator.calls import invocations, signatures
from pipeline.emulator.functions import served_functions

ONE = {"constantValue": 1}

NEEDED = """
ImageCollection.load Collection.filter Collection.limit Collection.size Collection.first Collection.toList
Collection.map Collection.reduceColumns Collection.merge Collection.distinct AggregateFeatureCollection.array
Filter.intersects Filter.contains Filter.dateRangeContains Filter.equals Filter.notEquals Filter.lessThan
Filter.lessThanOrEquals Filter.greaterThan Filter.greaterThanOrEquals Filter.listContains
Filter.stringStartsWith Filter.maxDifference Filter.notNull Filter.and Filter.or Filter.not Join.inner
Join.simple Join.saveFirst Join.saveAll Join.apply Reducer.toList Reducer.count Reducer.first Feature
Element.get Element.set Element.setMulti Element.toDictionary Date DateRange Geometry.buffer Geometry.bounds
Geometry.containedIn If Image.load Image.select Image.rename Image.addBands Image.toUint16 Image.toFloat
Image.toUint8 Image.cast Image.unmask Image.resample Image.reproject Image.projection
ImageCollection.fromImages ImageCollection.toBands ImageCollection.mosaic Number.add Number.subtract
Number.multiply Number.divide
"""


def test_all_published_signatures_are_known() -> None:
    assert len(signatures()) == 991
    assert [a.name for a in signatures()["Collection.limit"].arguments] == ["collection", "limit", "key", "ascending"]


def test_what_one_location_needs_is_served() -> None:
    assert set(NEEDED.split()) <= set(served_functions())


@pytest.mark.parametrize("family", ["Date.", "GeometryConstructors."])
def test_whole_families_are_served(family: str) -> None:
    assert {n for n in signatures() if n.startswith(family)} <= set(served_functions())


def test_only_arrays_are_missing_from_dictionaries_and_lists() -> None:
    missing = {n for n in signatures() if n.startswith(("Dictionary.", "List."))} - set(served_functions())
    assert missing == {"Dictionary.getArray", "Dictionary.toArray", "List.getArray"}


def test_an_unknown_function_is_refused_with_the_nearest_name(compute: Callable[..., Any]) -> None:
    answer = compute("Number.addd", left=ONE, right=ONE)
    assert answer.status == 400
    assert "Unknown function 'Number.addd'; did you mean 'Number.add'?" in answer.message
    assert answer.json["error"]["status"] == "INVALID_ARGUMENT"


def test_an_unknown_argument_is_refused(compute: Callable[..., Any]) -> None:
    answer = compute("Number.add", left=ONE, right=ONE, middle=ONE)
    assert answer.status == 400
    assert "unknown argument 'middle'; it takes left, right" in answer.message


def test_a_missing_argument_is_refused(compute: Callable[..., Any]) -> None:
    answer = compute("Number.add", left=ONE)
    assert answer.status == 400
    assert "required argument 'right' is missing" in answer.message


def test_a_real_function_that_is_not_served_is_a_400_too(compute: Callable[..., Any]) -> None:
    answer = compute("Number.erf", input=ONE)
    assert answer.status == 400
    assert "Function Number.erf is real but not served by this emulator; it serves: Number.abs" in answer.message


def test_a_value_of_another_type_is_refused(compute: Callable[..., Any]) -> None:
    answer = compute("Number.add", left=ONE, right={"constantValue": "one"})
    assert answer.status == 400
    assert "Number.add, argument 'right': Invalid type.\nExpected type: Number.\nActual type: String." in answer.message


def test_a_null_where_a_value_is_required_is_refused(compute: Callable[..., Any]) -> None:
    answer = compute("Number.add", left=ONE, right={"constantValue": None})
    assert "Parameter 'right' is required and may not be null" in answer.message


def test_calls_are_found_at_any_depth_but_not_in_constants() -> None:
    node: Any = {"constantValue": {"functionInvocationValue": {"functionName": "none"}}}
    for _ in range(5000):
        node = {"functionInvocationValue": {"functionName": "Number.not", "arguments": {"input": node}}}
    assert sum(1 for _ in invocations(node)) == 5000
