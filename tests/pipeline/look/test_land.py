from shapely import Point

from pipeline.look import land


def test_land_is_where_people_live() -> None:
    masses = land()
    assert masses.crs == "OGC:CRS84"
    assert masses.contains(Point(2.35, 48.85)).sum() == 1
    assert not masses.contains(Point(-30, 0)).any()
    assert masses.is_valid.all()
