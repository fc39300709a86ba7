from itertools import islice
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Point, Polygon, box

from pipeline.sampling.region import Region, read_region
from pipeline.schema.errors import UsageError
from pipeline.schema.grid import patch_grid

FIJI = Region(MultiPolygon([box(177, -19, 180, -16), box(-180, -19, -178, -16)]))


@given(lon=st.floats(176.9, 182.1), lat=st.floats(-19.1, -15.9))
@settings(max_examples=150, deadline=None)
def test_a_patch_is_held_if_all_its_corners_are_also_across_the_date_line(lon: float, lat: float) -> None:
    grid = patch_grid(lon - 360.0 if lon > 180.0 else lon, lat)
    corners = np.array(grid.footprint_lonlat().exterior.coords)
    east = np.where(corners[:, 0] < 0, corners[:, 0] + 360.0, corners[:, 0])
    inside = (east >= 177) & (east <= 182) & (corners[:, 1] >= -19) & (corners[:, 1] <= -16)
    assert FIJI.holds_patch(grid) == inside.all()


def test_a_hole_and_a_narrow_place_hold_no_patch() -> None:
    ring = Region(box(0, 40, 1, 41).difference(Point(0.5, 40.5).buffer(0.1)))
    assert ring.holds_patch(patch_grid(0.2, 40.2))
    assert not ring.holds_patch(patch_grid(0.5, 40.5))
    assert not Region(box(0, 40, 1, 40.01)).holds_patch(patch_grid(0.5, 40.005))


def test_even_draws_are_even_on_the_sphere_and_over_parts() -> None:
    region = Region(MultiPolygon([box(0, 0, 10, 80), box(20, 0, 30, 10), Polygon([(40, 0), (60, 0), (40, 20)])]))
    draws = [d for d in islice(region.draw_evenly(3), 20_000) if d is not None]
    lon, lat = np.array(draws).T
    assert region.holds_points(lon, lat).all()
    first = lon <= 10
    # Area of a box on the sphere: width times the difference of the sines of its latitudes.
    assert np.mean(lat[first] < 30) == pytest.approx(0.5 / np.sin(np.radians(80)), abs=0.02)
    ratio = np.sum((lon >= 20) & (lon <= 30)) / np.sum(first)
    assert ratio == pytest.approx(np.sin(np.radians(10)) / np.sin(np.radians(80)), rel=0.1)


def test_even_draws_come_from_latitudes_of_sentinel_2_and_of_nowhere_else() -> None:
    draws = [d for d in islice(Region(box(0, -80, 1, -50)).draw_evenly(0), 200) if d is not None]
    assert draws
    assert min(lat for _, lat in draws) >= -56.0
    assert list(Region(box(0, -80, 1, -70)).draw_evenly(0)) == []


def test_places_near_are_all_within_the_distance_and_across_the_date_line() -> None:
    cities = np.array([[178.0, -18.0], [-179.0, -17.0], [175.0, -18.0], [-175.0, -18.0], [178.0, -30.0], [0.0, 0.0]])
    assert FIJI.near(cities, 1_000).tolist() == cities[:2].tolist()
    assert FIJI.near(cities, 350_000).tolist() == cities[:4].tolist()
    assert FIJI.near(cities, 30_000_000).tolist() == cities.tolist()


def write(tmp_path: Path, *shapes: object) -> Path:
    path = tmp_path / "region.parquet"
    gpd.GeoDataFrame(geometry=list(shapes), crs=4326).to_parquet(path)
    return path


def test_polygons_of_a_file_are_one_region(tmp_path: Path) -> None:
    region = read_region(write(tmp_path, box(0, 0, 1, 1), box(0.5, 0, 2, 1), MultiPolygon([box(5, 5, 6, 6)])))
    assert region.area.area == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([], "holds no features"),
        ([box(0, 0, 1, 1), Point(3, 4)], "row 2 is a Point; polygons are needed"),
        ([Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])], r"row 1 is no valid polygon \(Self-intersection"),
    ],
)
def test_what_is_no_polygon_is_said(tmp_path: Path, shapes: list[object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_region(write(tmp_path, *shapes))
