import pytest

from pipeline.sampling.outlines import outlines
from pipeline.schema.grid import patch_grid


def test_outlines_are_the_footprints_whatever_the_zones() -> None:
    grids = [patch_grid(*place) for place in ((2.0, 48.0), (179.99, -10.0), (2.5, 48.0), (-70.0, 80.0))]
    for outline, grid in zip(outlines(grids), grids, strict=True):
        assert outline.equals_exact(grid.footprint_lonlat(), 1e-12)


def test_no_patches_have_no_outlines() -> None:
    assert len(outlines([])) == pytest.approx(0)
