from typing import Any

import pytest


def test_reading(ee: Any) -> None:
    items = ee.List([5, 6, 7, 6])
    assert [items.get(0).getInfo(), items.get(-1).getInfo()] == [5, 6]
    assert items.getNumber(1).getInfo() == 6
    assert (items.size().getInfo(), items.length().getInfo()) == (4, 4)
    assert (items.indexOf(6).getInfo(), items.indexOf(9).getInfo()) == (1, -1)
    assert items.indexOfSublist([7, 6]).getInfo() == 2
    assert ee.List([1, 2, 1, 2]).lastIndexOfSubList([1, 2]).getInfo() == 2
    assert items.frequency(6).getInfo() == 2
    assert items.contains(7).getInfo() is True
    assert items.containsAll([5, 9]).getInfo() is False
    assert items.equals([5, 6, 7, 6]).getInfo() is True
    assert items.join("-").getInfo() == "5-6-7-6"


@pytest.mark.parametrize(
    ("call", "want"),
    [
        (lambda x: x.add(9), [5, 6, 7, 6, 9]),
        (lambda x: x.cat([1]), [5, 6, 7, 6, 1]),
        (lambda x: x.insert(1, 0), [5, 0, 6, 7, 6]),
        (lambda x: x.set(-1, 0), [5, 6, 7, 0]),
        (lambda x: x.remove(6), [5, 7, 6]),
        (lambda x: x.removeAll([6, 5]), [7]),
        (lambda x: x.replace(6, 1), [5, 1, 7, 6]),
        (lambda x: x.replaceAll(6, 1), [5, 1, 7, 1]),
        (lambda x: x.reverse(), [6, 7, 6, 5]),
        (lambda x: x.rotate(1), [6, 5, 6, 7]),
        (lambda x: x.rotate(-1), [6, 7, 6, 5]),
        (lambda x: x.distinct(), [5, 6, 7]),
        (lambda x: x.slice(1, 3), [6, 7]),
        (lambda x: x.slice(0, -1, 2), [5, 7]),
        (lambda x: x.splice(1, 2, [0]), [5, 0, 6]),
        (lambda x: x.swap(0, 2), [7, 6, 5, 6]),
        (lambda x: x.sort(), [5, 6, 6, 7]),
        (lambda x: x.sort([3, 2, 1, 0]), [6, 7, 6, 5]),
        (lambda x: x.zip(["a", "b"]), [[5, "a"], [6, "b"]]),
    ],
)
def test_changing(ee: Any, call: Any, want: list[Any]) -> None:
    assert call(ee.List([5, 6, 7, 6])).getInfo() == want


def test_making_and_nesting(ee: Any) -> None:
    assert ee.List.sequence(1, 10, 4).getInfo() == [1, 5, 9]
    assert ee.List.sequence(0, 1, count=5).getInfo() == [0, 0.25, 0.5, 0.75, 1]
    assert ee.List.repeat("x", 2).getInfo() == ["x", "x"]
    assert ee.List([1, [2, [3]]]).flatten().getInfo() == [1, 2, 3]
    assert ee.List([[1, "a"], [2, "b"]]).unzip().getInfo() == [[1, 2], ["a", "b"]]
    shuffled = ee.List.sequence(1, 9).shuffle(4).getInfo()
    assert shuffled != sorted(shuffled) == list(range(1, 10))
    assert shuffled == ee.List.sequence(1, 9).shuffle(4).getInfo()
    assert sorted(ee.List([1, 2, 3]).shuffle(False).getInfo()) == [1, 2, 3]


def test_functions_over_lists(ee: Any) -> None:
    items = ee.List([1, 2, 3])
    assert items.map(lambda x: ee.Number(x).multiply(2)).getInfo() == [2, 4, 6]
    assert items.iterate(lambda x, total: ee.Number(x).add(total), 10).getInfo() == 16
    assert items.filter(ee.Filter.gt("item", 1)).getInfo() == [2, 3]
    nulls = items.map(lambda x: ee.Algorithms.If(ee.Number(x).eq(2), None, x), True)
    assert nulls.getInfo() == [1, 3]


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda x: x.get(4), "List index 4 is out of bounds for 4 elements"),
        (lambda x: x.getString(0), "the element is a Integer"),
        (lambda x: x.sort([1]), "4 elements but 1 keys"),
        (lambda x: x.cat(["a"]).sort(), "do not sort together"),
        (lambda x: x.getGeometry(0), "no geometry"),
    ],
)
def test_what_cannot_be_is_refused(ee: Any, call: Any, word: str) -> None:
    with pytest.raises(ee.EEException, match=word):
        call(ee.List([5, 6, 7, 6])).getInfo()
