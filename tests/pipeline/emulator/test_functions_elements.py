from typing import Any

import pytest


@pytest.fixture
def feature(ee: Any) -> Any:
    return ee.Feature(ee.Geometry.Point([1, 2]), {"a": 1, "b": "x", "system:time_start": 1000})


def test_reading(feature: Any) -> None:
    assert feature.get("a").getInfo() == 1
    assert feature.get("none").getInfo() is None
    assert feature.getNumber("a").getInfo() == 1
    assert feature.getString("b").getInfo() == "x"
    assert feature.toDictionary().getInfo() == {"a": 1, "b": "x"}
    assert feature.toDictionary(["a", "system:time_start"]).getInfo() == {"a": 1, "system:time_start": 1000}
    assert set(feature.propertyNames().getInfo()) == {"a", "b", "system:time_start"}
    assert feature.geometry().coordinates().getInfo() == [1, 2]


def test_changing(ee: Any, feature: Any) -> None:
    assert feature.set("a", 2).get("a").getInfo() == 2
    changed = feature.set({"a": 3, "c": 4}).toDictionary().getInfo()
    assert changed == {"a": 3, "b": "x", "c": 4}
    bare = ee.Feature(None, {"z": 0})
    assert bare.copyProperties(feature).getInfo()["properties"] == {"z": 0, "a": 1, "b": "x"}
    assert bare.copyProperties(feature, ["system:time_start"]).get("system:time_start").getInfo() == 1000
    assert bare.copyProperties(feature, None, ["a"]).getInfo()["properties"] == {"z": 0, "b": "x"}
    assert feature.setGeometry(None).getInfo()["geometry"] is None


def test_the_index_is_a_property(ee: Any, feature: Any) -> None:
    named = feature.set("system:index", "me")
    assert named.id().getInfo() == "me"
    assert named.get("system:index").getInfo() == "me"
    assert named.getInfo()["id"] == "me"


def test_images_know_their_date_and_place(ee: Any) -> None:
    image = ee.Image("COPERNICUS/S2_HARMONIZED/S2_b")
    assert image.date().format("yyyy-MM-dd").getInfo() == "2021-03-11"
    assert image.id().getInfo() == "S2_b"
    assert image.get("id").getInfo() == "COPERNICUS/S2_HARMONIZED/S2_b"
    assert image.geometry().contains(ee.Geometry.Point([15.03, 47.83])).getInfo() is True
    with pytest.raises(ee.EEException, match="no system:time_start"):
        ee.Image(1).date().getInfo()
    with pytest.raises(ee.EEException, match="missing or unbounded"):
        ee.Image(1).geometry().getInfo()


def test_a_property_of_another_type_is_refused(ee: Any, feature: Any) -> None:
    with pytest.raises(ee.EEException, match="'b' is no number"):
        feature.getNumber("b").getInfo()
    with pytest.raises(ee.EEException, match="'a' is no string"):
        feature.getString("a").getInfo()
