"""Collections through the real client: filters, listing, and what goes down to the world."""

from datetime import UTC, datetime
from typing import Any

import pytest

S2 = "COPERNICUS/S2_HARMONIZED"
DW = "GOOGLE/DYNAMICWORLD/V1"
INSIDE = [15.03, 47.83]


@pytest.fixture
def march(ee: Any) -> Any:
    """Sentinel-2 over the middle of the known world in March."""
    return ee.ImageCollection(S2).filterBounds(ee.Geometry.Point(INSIDE)).filterDate("2021-03-01", "2021-04-01")


def indices(collection: Any) -> list[str]:
    return list(collection.aggregate_array("system:index").getInfo())


def test_a_place_and_a_time_are_asked_of_the_world(march: Any, served_world: Any) -> None:
    served_world.searches.clear()
    assert indices(march) == ["S2_a", "S2_b", "S2_c"]
    ((collection, region, start, end),) = served_world.searches
    assert collection == S2
    assert region.covers(region.centroid)
    assert region.area < 1e-10
    assert (start, end) == (datetime(2021, 3, 1, tzinfo=UTC), datetime(2021, 4, 1, tzinfo=UTC))


@pytest.mark.parametrize("lacking", ["place", "time"])
def test_without_a_place_and_a_time_it_cannot_be_listed(ee: Any, lacking: str) -> None:
    collection = ee.ImageCollection(S2)
    if lacking == "time":
        collection = collection.filterBounds(ee.Geometry.Point(INSIDE))
    else:
        collection = collection.filterDate("2021-03-01", "2021-04-01")
    with pytest.raises(ee.EEException, match="add filterBounds and filterDate"):
        collection.size().getInfo()


def test_the_end_of_a_date_range_is_exclusive(ee: Any) -> None:
    place = ee.ImageCollection(S2).filterBounds(ee.Geometry.Point(INSIDE))
    at = datetime(2021, 3, 11, 10, tzinfo=UTC).timestamp() * 1000
    assert indices(place.filterDate(at, at + 1)) == ["S2_b"]
    assert indices(place.filterDate(at - 1000, at)) == []


def test_comparisons_of_the_time_bound_the_search_too(ee: Any) -> None:
    place = ee.ImageCollection(S2).filterBounds(ee.Geometry.Point(INSIDE))
    low, high = ee.Date("2021-03-05").millis(), ee.Date("2021-03-21T10:00").millis()
    between = place.filter(ee.Filter.gte("system:time_start", low)).filter(ee.Filter.lte("system:time_start", high))
    assert indices(between) == ["S2_b", "S2_c"]


def test_filters_on_the_index_need_neither_place_nor_time(ee: Any, served_world: Any) -> None:
    served_world.searches.clear()
    found = ee.ImageCollection(DW).filter(ee.Filter.inList("system:index", ["S2_c", "S2_a", "S2_b"]))
    assert indices(found) == ["S2_b", "S2_c"]
    assert indices(ee.ImageCollection(S2).filter(ee.Filter.eq("system:index", "S2_d"))) == ["S2_d"]
    assert served_world.searches == []


def test_a_filter_of_footprints_that_contain_a_patch(ee: Any, march: Any, extent: Any) -> None:
    left, bottom, right, top = extent.bounds_m
    whole = ee.Geometry.Rectangle([left + 50, bottom + 50, right - 50, top - 50], "EPSG:32633", False)
    over = ee.Geometry.Rectangle([left + 50, bottom - 50, right - 50, top - 50], "EPSG:32633", False)
    assert march.filter(ee.Filter.contains(".geo", whole)).size().getInfo() == 3
    assert march.filter(ee.Filter.contains(".geo", over)).size().getInfo() == 0
    assert march.filterBounds(over).size().getInfo() == 3


def test_nothing_is_found_elsewhere(ee: Any) -> None:
    away = ee.ImageCollection(S2).filterBounds(ee.Geometry.Point([16.5, 47.83])).filterDate("2021-01-01", "2022-01-01")
    assert away.size().getInfo() == 0
    assert away.first().getInfo() is None


def test_an_empty_range_of_dates_is_an_empty_collection(ee: Any, march: Any) -> None:
    assert march.filterDate("2021-05-01", "2021-06-01").size().getInfo() == 0


def test_an_unknown_collection_or_image_is_refused(ee: Any) -> None:
    with pytest.raises(ee.EEException, match="ImageCollection asset 'X/Y' not found"):
        ee.ImageCollection("X/Y").size().getInfo()
    with pytest.raises(ee.EEException, match="Image asset 'COPERNICUS/S2_HARMONIZED/none' not found"):
        ee.Image(f"{S2}/none").getInfo()


def test_an_image_carries_the_catalogue_properties(ee: Any, march: Any) -> None:
    image = march.first().getInfo()
    assert image["type"] == "Image"
    assert image["id"] == f"{S2}/S2_a"
    properties = image["properties"]
    assert properties["system:index"] == "S2_a"
    assert properties["system:time_start"] == 1614592800000
    assert properties["CLOUDY_PIXEL_PERCENTAGE"] == 40
    assert properties["system:footprint"]["type"] == "LinearRing"
    band = image["bands"][0]
    assert (band["id"], band["crs"], band["dimensions"]) == ("B1", "EPSG:32633", [100, 100])
    assert band["data_type"] == {"type": "PixelType", "precision": "int", "min": 0, "max": 65535}
    assert band["crs_transform"] == [60, 0, 499980, 0, -60, 5300040]


def test_many_points_are_matched_in_one_request(ee: Any) -> None:
    spots = [ee.Feature(ee.Geometry.Point([15.01 + 0.01 * i, 47.83]), {"month": 3 + 3 * (i % 2)}) for i in range(4)]

    def matched(spot: Any) -> Any:
        start = ee.Date.fromYMD(2021, ee.Number(spot.get("month")), 1)
        s2 = (
            ee.ImageCollection(S2)
            .filterBounds(spot.geometry())
            .filterDate(start, start.advance(1, "month"))
            .filter(ee.Filter.lt("CLOUDY_PIXEL_PERCENTAGE", 20))
            .sort("CLOUDY_PIXEL_PERCENTAGE")
        )
        dw = ee.ImageCollection(DW).filterBounds(spot.geometry()).filterDate(start, start.advance(1, "month"))
        same = ee.Filter.equals(leftField="system:index", rightField="system:index")
        joined = ee.ImageCollection(ee.Join.saveFirst("dw", outer=True).apply(s2, dw, same))
        return spot.set("s2", joined.aggregate_array("system:index")).set(
            "dw", joined.filter(ee.Filter.notNull(["dw"])).map(lambda i: ee.Image(i.get("dw"))).aggregate_array("id")
        )

    rows = ee.FeatureCollection(spots).map(matched).getInfo()["features"]
    assert [r["id"] for r in rows] == ["0", "1", "2", "3"]
    assert [r["properties"]["s2"] for r in rows] == [["S2_b", "S2_c"], ["S2_d"]] * 2
    assert [r["properties"]["dw"] for r in rows] == [[f"{DW}/S2_b", f"{DW}/S2_c"], []] * 2
