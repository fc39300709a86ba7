import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer
from shapely import Polygon, box

from pipeline.sampling.neighbourhood import REACH_M, Neighbourhood, count_sharing, share_ground
from pipeline.schema.grid import PixelGrid, patch_grid
from pipeline.schema.records import Location

EARTH = Geod(ellps="WGS84")

anywhere = {
    "lon": st.floats(-180, 180) | st.sampled_from([-180.0, 180.0, 179.99, -179.99, 6.0, 11.999, 0.0]),
    "lat": st.floats(-55.9, 83.5) | st.sampled_from([0.0, 0.005, -0.005, 83.5, 64.0, 72.0]),
    "azimuth": st.floats(0, 360),
}


def shared_area_m2(one: PixelGrid, other: PixelGrid) -> float:
    """Area that two patches share, by drawing both about their own middle (azimuthal equidistant, densely)."""
    lon, lat = one.footprint_lonlat().exterior.coords[0]
    plane = f"+proj=aeqd +lat_0={lat} +lon_0={lon} +ellps=WGS84"

    def drawn(grid: PixelGrid) -> Polygon:
        edge = box(*grid.bounds_m).segmentize(100.0).exterior.coords
        to_plane = Transformer.from_crs(grid.epsg, plane, always_xy=True)
        x, y = to_plane.transform([p[0] for p in edge], [p[1] for p in edge])
        return Polygon(list(zip(x, y, strict=True)))

    return float(drawn(one).intersection(drawn(other)).area)


@given(**anywhere, distance=st.floats(0.0, 4200.0))
@settings(max_examples=120, deadline=None)
def test_what_is_free_shares_no_ground_and_what_shares_ground_is_not_free(
    lon: float, lat: float, azimuth: float, distance: float
) -> None:
    other_lon, other_lat, _ = EARTH.fwd(lon, lat, azimuth, distance)
    one, other = patch_grid(lon, lat), patch_grid(other_lon, min(other_lat, 84.0))
    near = Neighbourhood()
    assert near.add_if_free(lon, lat, one)
    free = near.add_if_free(other_lon, min(other_lat, 84.0), other)
    area = shared_area_m2(one, other)
    if free:
        assert area < 1.0
    else:
        assert area > 0.0 or one.epsg != other.epsg
    if distance > REACH_M:
        assert free
    if distance < 2600:
        assert not free
    assert share_ground(one, other) == share_ground(other, one) or one.epsg != other.epsg


def test_patches_side_by_side_in_one_zone_are_free_to_the_pixel() -> None:
    one = PixelGrid(32631, 450_000.0, 5_400_000.0, 264, 264)
    assert not share_ground(one, PixelGrid(32631, 452_640.0, 5_400_000.0, 264, 264))
    assert share_ground(one, PixelGrid(32631, 452_630.0, 5_402_630.0, 264, 264))
    assert not share_ground(one, PixelGrid(32631, 452_640.0, 5_402_640.0, 264, 264))


@pytest.mark.parametrize(
    ("here", "there"),
    [((179.995, 10.0), (-179.995, 10.0)), ((5.999, 50.0), (6.001, 50.0)), ((20.0, 0.001), (20.0, -0.001))],
)
def test_neighbours_are_found_across_date_line_zones_and_equator(
    here: tuple[float, float], there: tuple[float, float]
) -> None:
    near = Neighbourhood()
    assert near.add_if_free(*here, patch_grid(*here))
    assert patch_grid(*here).epsg != patch_grid(*there).epsg
    assert not near.add_if_free(*there, patch_grid(*there))


@given(
    st.lists(st.tuples(st.floats(179.9, 180.1), st.floats(-0.1, 0.1)), max_size=25),
)
@settings(max_examples=30, deadline=None)
def test_the_count_of_sharing_patches_is_that_of_all_pairs(points: list[tuple[float, float]]) -> None:
    wrapped = [(lon - 360.0 if lon > 180.0 else lon, lat) for lon, lat in points]
    places = [Location(str(i), lon, lat, patch_grid(lon, lat)) for i, (lon, lat) in enumerate(wrapped)]
    pairs = [
        (a.location_id, b.location_id)
        for a, b in itertools.combinations(places, 2)
        if math.isclose(EARTH.inv(a.lon_deg, a.lat_deg, b.lon_deg, b.lat_deg)[2], 0.0, abs_tol=5000)
        and share_ground(a.grid, b.grid)
    ]
    assert count_sharing(places) == len({name for pair in pairs for name in pair})
