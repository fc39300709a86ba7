from typing import Any

import pytest


def rounded(value: Any, digits: int = 6) -> Any:
    return [rounded(v, digits) for v in value] if isinstance(value, list) else round(value, digits)


def test_constructors(ee: Any) -> None:
    g = ee.Geometry
    assert g.Point([1, 2]).getInfo() == {"type": "Point", "coordinates": [1, 2], "geodesic": True}
    assert g.LineString([[0, 0], [1, 1]]).getInfo()["coordinates"] == [[0, 0], [1, 1]]
    assert g.MultiPoint([[0, 0], [1, 1]]).getInfo()["type"] == "MultiPoint"
    triangle = g.Polygon([[[0, 0], [1, 0], [0, 1]]]).getInfo()
    assert triangle["coordinates"] == [[[0, 0], [1, 0], [0, 1], [0, 0]]]
    assert g.Polygon([0, 0, 1, 0, 0, 1]).getInfo() == triangle
    hole = g.Polygon([[[0, 0], [9, 0], [9, 9], [0, 9]], [[1, 1], [2, 1], [2, 2]]])
    assert len(hole.coordinates().getInfo()) == 2
    assert g.MultiPolygon([[[[0, 0], [1, 0], [0, 1]]]]).type().getInfo() == "MultiPolygon"
    assert g.BBox(-1, -95, 1, 95).bounds().coordinates().getInfo()[0][1][1] in (-90, 90)


def test_computed_coordinates(ee: Any) -> None:
    ring = ee.List([[0, 0], [0, 1], [1, 1]]).map(lambda p: ee.Geometry.Point(ee.List(p)))
    assert ee.Geometry.Polygon(ring).area(1).getInfo() > 1e9
    corners = ee.List([ee.Number(0), 0, ee.Number(1).add(1), 2])
    assert ee.Geometry.Rectangle(corners).bounds().coordinates().getInfo()[0][2] == [2, 2]


def test_broken_coordinates_are_refused(ee: Any) -> None:
    with pytest.raises(ee.EEException, match=r"GeometryConstructors\.Polygon: Invalid GeoJson geometry"):
        ee.Geometry.Polygon(ee.List([[0, 0]])).getInfo()


def test_a_projected_rectangle_keeps_its_projection_and_its_place(ee: Any) -> None:
    box = ee.Geometry.Rectangle([500_000, 5_300_000, 501_000, 5_301_000], "EPSG:32633", False)
    info = box.getInfo()
    assert info["crs"]["properties"]["name"] == "EPSG:32633"
    assert info["geodesic"] is False
    assert box.area(1, "EPSG:32633").getInfo() == pytest.approx(1e6)
    moved = box.transform("EPSG:4326", 1)
    assert moved.coordinates().getInfo()[0][0][0] == pytest.approx(15.0, abs=0.02)
    assert moved.bounds(1, "EPSG:32633").area(1, "EPSG:32633").getInfo() == pytest.approx(1e6, rel=1e-3)


def test_a_buffer_is_in_metres(ee: Any) -> None:
    disc = ee.Geometry.Point([15, 47.8]).buffer(1000)
    assert disc.area(1).getInfo() == pytest.approx(3.1416e6, rel=5e-3)
    square = ee.Geometry.Point([500_000, 5_300_000], "EPSG:32633").buffer(1000, 1, "EPSG:32633").bounds(1, "EPSG:32633")
    assert square.area(1, "EPSG:32633").getInfo() == pytest.approx(4e6)


def test_predicates(ee: Any) -> None:
    big = ee.Geometry.Rectangle([0, 0, 10, 10], None, False)
    small = ee.Geometry.Rectangle([0, 0, 1, 1], None, False)
    far = ee.Geometry.Point([50, 50])
    assert big.contains(small).getInfo() is True
    assert small.containedIn(big).getInfo() is True
    assert small.contains(big).getInfo() is False
    assert big.intersects(far).getInfo() is False
    assert big.disjoint(far).getInfo() is True
    assert ee.Feature(big).intersects(ee.Feature(small)).getInfo() is True


def test_overlays_centres_and_distances(ee: Any) -> None:
    one = ee.Geometry.Rectangle([0, 0, 2, 2], None, False)
    two = ee.Geometry.Rectangle([1, 1, 3, 3], None, False)
    assert one.intersection(two).centroid().coordinates().getInfo() == [1.5, 1.5]
    assert rounded(one.union(two).bounds().coordinates().getInfo()[0][2]) == [3, 3]
    assert one.difference(two).contains(ee.Geometry.Point([1.5, 1.5])).getInfo() is False
    near = ee.Geometry.Point([500_000, 5_300_000], "EPSG:32633")
    assert near.distance(ee.Geometry.Point([503_000, 5_304_000], "EPSG:32633")).getInfo() == pytest.approx(5000)


def test_features_keep_their_properties(ee: Any) -> None:
    feature = ee.Feature(ee.Geometry.Point([15, 47.8]), {"a": 1})
    grown = feature.buffer(100).bounds().getInfo()
    assert grown["properties"] == {"a": 1}
    assert grown["geometry"]["type"] == "Polygon"
    assert feature.buffer(100).centroid().geometry().coordinates().getInfo() == pytest.approx([15, 47.8], abs=1e-5)
    with pytest.raises(ee.EEException, match="no geometry"):
        ee.Feature(None).buffer(1).getInfo()
