from typing import Any

import pytest


@pytest.fixture
def entries(ee: Any) -> Any:
    return ee.Dictionary({"b": 2, "a": 1, "cc": "x"})


def test_reading(entries: Any) -> None:
    assert entries.get("a").getInfo() == 1
    assert entries.get("z", 9).getInfo() == 9
    assert entries.getNumber("b").getInfo() == 2
    assert entries.getString("cc").getInfo() == "x"
    assert entries.keys().getInfo() == ["a", "b", "cc"]
    assert entries.values().getInfo() == [1, 2, "x"]
    assert entries.values(["cc", "a"]).getInfo() == ["x", 1]
    assert entries.size().getInfo() == 3
    assert entries.contains("z").getInfo() is False


def test_changing(ee: Any, entries: Any) -> None:
    assert entries.set("a", 5).getInfo() == {"b": 2, "a": 5, "cc": "x"}
    assert entries.select(["a", "c.*"]).getInfo() == {"a": 1, "cc": "x"}
    assert entries.remove(["[ab]"]).getInfo() == {"cc": "x"}
    assert entries.rename(["a"], ["z"]).getInfo() == {"b": 2, "cc": "x", "z": 1}
    assert entries.combine({"a": 7, "n": 8}).getInfo() == {"b": 2, "a": 7, "cc": "x", "n": 8}
    assert entries.combine({"a": 7}, False).get("a").getInfo() == 1
    doubled = entries.select(["a", "b"]).map(lambda key, value: ee.Number(value).multiply(2))
    assert doubled.getInfo() == {"a": 2, "b": 4}


def test_making(ee: Any) -> None:
    assert ee.Dictionary.fromLists(["x", "y"], [1, [2]]).getInfo() == {"x": 1, "y": [2]}
    assert ee.Dictionary(ee.List(["x", 1, "y", 2])).getInfo() == {"x": 1, "y": 2}
    image = ee.Dictionary({"b": 2, "a": 1.5}).toImage()
    assert image.bandNames().getInfo() == ["a", "b"]


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda d: d.get("z"), "does not contain key: 'z'. Known keys: a, b, cc"),
        (lambda d: d.getNumber("cc"), "the value is a String"),
        (lambda d: d.getGeometry("a"), "'a' is no geometry"),
        (lambda d: d.select(["z"]), "'z' matches none"),
        (lambda d: d.rename(["a"], ["b"]), "'b' exists already"),
        (lambda d: d.rename(["a"], []), "1 keys but 0 new names"),
    ],
)
def test_what_is_not_there_is_refused(ee: Any, entries: Any, call: Any, word: str) -> None:
    with pytest.raises(ee.EEException, match=word):
        call(entries).getInfo()
