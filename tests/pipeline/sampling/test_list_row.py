import pytest
from shapely import Point

from pipeline.sampling.list_row import ListRow, location_of
from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PixelGrid, patch_grid


@pytest.mark.parametrize("lon", [180.0, 179.995, -179.995, 2.0])
def test_a_footprint_is_taken_to_the_pixel_also_across_the_date_line(lon: float) -> None:
    grid = patch_grid(lon, -17.0)
    for epsgs in ((), (grid.epsg,), (32610, grid.epsg)):
        place = location_of(ListRow("a", "row 1", grid.footprint_lonlat(), epsgs))
        assert place.grid == grid
        assert abs((place.lon_deg - lon + 180.0) % 360.0 - 180.0) < 1e-3


def test_a_square_off_the_grid_gives_the_patch_around_its_centre() -> None:
    off = PixelGrid(32631, 450_005.0, 5_400_025.0, 264, 264)
    place = location_of(ListRow("a", "row 1", off.footprint_lonlat()))
    assert (place.grid.left_m % 10, place.grid.top_m % 10) == (0, 0)
    assert abs(place.grid.left_m - off.left_m) <= 5
    assert abs(place.grid.top_m - off.top_m) <= 5


def test_a_place_where_sentinel_2_has_no_grid_is_refused() -> None:
    with pytest.raises(UsageError, match=r"row 9 is at lat -70; Sentinel-2 images -56..84"):
        location_of(ListRow("a", "row 9", Point(0, -70)))
