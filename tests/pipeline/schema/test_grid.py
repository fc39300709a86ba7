import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from pipeline.schema.grid import PATCH_PX, PixelGrid, patch_grid, transformer, utm_epsg

LON = st.floats(-180, 180, allow_nan=False)
LAT = st.floats(-56, 83, allow_nan=False)


@pytest.mark.parametrize(
    ("lon", "lat", "epsg"),
    [
        (2.35, 48.86, 32631),
        (15.95, 45.26, 32633),
        (-122.4, 37.8, 32610),
        (151.2, -33.9, 32756),
        (180.0, 10.0, 32601),
        (-180.0, 10.0, 32601),
        (179.99, -10.0, 32760),
        (5.3, 60.4, 32632),  # Bergen: zone 32 is widened in Norway
        (15.6, 78.2, 32633),  # Longyearbyen: zones 31, 33, 35, 37 only in Svalbard
        (8.99, 78.0, 32631),
    ],
)
def test_utm_zone(lon: float, lat: float, epsg: int) -> None:
    assert utm_epsg(lon, lat) == epsg


@given(lon=LON, lat=LAT)
@settings(max_examples=60, deadline=None)
def test_patch_is_snapped_centred_and_contains_its_centre(lon: float, lat: float) -> None:
    grid = patch_grid(lon, lat)
    assert grid.left_m % 10 == 0
    assert grid.top_m % 10 == 0
    assert (grid.width_px, grid.height_px) == (PATCH_PX, PATCH_PX)
    x, y = transformer(4326, grid.epsg).transform(lon, lat)
    left, bottom, right, top = grid.bounds_m
    assert abs((left + right) / 2 - x) <= 5.0 + 1e-6
    assert abs((bottom + top) / 2 - y) <= 5.0 + 1e-6


@given(lon=st.floats(-179, 179), lat=LAT)
@settings(max_examples=40, deadline=None)
def test_footprint_has_the_patch_size_on_the_ground(lon: float, lat: float) -> None:
    ring = list(patch_grid(lon, lat).footprint_lonlat().exterior.coords)
    for (lon1, lat1), (lon2, lat2) in itertools.pairwise(ring):
        _, _, side = Geod(ellps="WGS84").inv(lon1, lat1, lon2, lat2)
        assert math.isclose(side, 2640.0, rel_tol=0.006)  # the scale of UTM varies so much over the widest zones


def test_rows_run_south_and_columns_east() -> None:
    grid = PixelGrid(epsg=32631, left_m=500_000, top_m=4_000_000, width_px=3, height_px=2)
    x, y = grid.centres_m()
    np.testing.assert_array_equal(x, [500_005, 500_015, 500_025])
    np.testing.assert_array_equal(y, [3_999_995, 3_999_985])
    a, b, c, d, e, f = grid.affine
    assert (a * 0.5 + b * 0.5 + c, d * 0.5 + e * 0.5 + f) == (x[0], y[0])
    assert grid.bounds_m == (500_000, 3_999_980, 500_030, 4_000_000)


@pytest.mark.parametrize(("lon", "lat"), [(0.0, 85.0), (0.0, -60.0), (181.0, 0.0), (float("nan"), 0.0)])
def test_places_outside_the_range_are_refused(lon: float, lat: float) -> None:
    with pytest.raises(ValueError, match="outside"):
        patch_grid(lon, lat)
