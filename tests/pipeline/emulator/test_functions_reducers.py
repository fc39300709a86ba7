from typing import Any

import pytest


@pytest.fixture
def table(ee: Any) -> Any:
    """Rows (1, a), (null, b), (3, null)."""
    rows: list[dict[str, Any]] = [{"n": 1, "s": "a"}, {"s": "b"}, {"n": 3}]
    return ee.FeatureCollection([ee.Feature(None, row) for row in rows])


def reduced(table: Any, reducer: Any, *selectors: str) -> Any:
    return table.reduceColumns(reducer, list(selectors)).getInfo()


def test_to_list_plain_and_in_tuples(ee: Any, table: Any) -> None:
    assert reduced(table, ee.Reducer.toList(), "n") == {"list": [1, 3]}
    assert reduced(table, ee.Reducer.toList(2), "n", "s") == {"list": [[1, "a"]]}
    assert reduced(table, ee.Reducer.toList(2, 1), "n", "s") == {"list": [[1, "a"], [3, None]]}
    assert reduced(table, ee.Reducer.toList(2, 2), "n", "s") == {"list": [[1, "a"], [None, "b"], [3, None]]}


def test_plain_reducers_skip_nulls(ee: Any, table: Any) -> None:
    r = ee.Reducer
    assert reduced(table, r.count(), "n") == {"count": 2}
    assert reduced(table, r.first(), "s") == {"first": "a"}
    assert reduced(table, r.minMax(), "n") == {"min": 1, "max": 3}
    assert reduced(table, r.mean(), "n") == {"mean": 2}
    assert reduced(table, r.sum(), "n") == {"sum": 4}


def test_copies_side_by_side(ee: Any, table: Any) -> None:
    assert reduced(table, ee.Reducer.toList().repeat(2), "n", "s") == {"list": [[1, 3], ["a", "b"]]}


def test_the_number_of_selectors_must_fit(ee: Any, table: Any) -> None:
    with pytest.raises(ee.EEException, match="needs 2 selectors, got 1"):
        reduced(table, ee.Reducer.toList(2), "n")


def test_lists_reduce_to_the_bare_output(ee: Any) -> None:
    assert ee.List([4, 1, 7]).reduce(ee.Reducer.max()).getInfo() == 7
    assert ee.List([4, 1, 7]).reduce(ee.Reducer.minMax()).getInfo() == {"min": 1, "max": 7}
