import numpy as np
import pytest

from pipeline.sampling.outlines import centre_of, outlines, unrolled
from pipeline.schema.grid import patch_grid


def test_outlines_are_the_footprints_whatever_the_zones() -> None:
    grids = [patch_grid(*place) for place in ((2.0, 48.0), (179.99, -10.0), (2.5, 48.0), (-70.0, 80.0))]
    for outline, grid in zip(outlines(grids), grids, strict=True):
        assert outline.equals_exact(grid.footprint_lonlat(), 1e-12)


def test_no_patches_have_no_outlines() -> None:
    assert len(outlines([])) == pytest.approx(0)


@pytest.mark.parametrize("lon", [179.995, 180.0, -179.995, -180.0, 12.0])
def test_a_patch_across_the_date_line_has_its_middle_there(lon: float) -> None:
    outline = patch_grid(lon, 10.0).footprint_lonlat()
    middle = centre_of(outline)
    assert abs((middle[0] - lon + 180.0) % 360.0 - 180.0) < 1e-4
    assert -180.0 <= middle[0] <= 180.0
    assert middle[1] == pytest.approx(10.0, abs=1e-4)


def test_an_outline_across_the_date_line_continues_east() -> None:
    crossing, other = unrolled(np.array([patch_grid(lon, 10.0).footprint_lonlat() for lon in (180.0, 12.0)]))
    west, _, east, _ = crossing.bounds
    assert 179.9 < west < 180.0 < east < 180.1
    assert other.bounds[0] == pytest.approx(12.0, abs=0.02)
