from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.importers.geotiff import Raster, centre_lonlat, grid_of, read_raster, to_patch_size
from pipeline.importers.imported import NotImportableError
from pipeline.schema.grid import patch_grid


@dataclass(frozen=True)
class Place:
    lon: float
    lat: float


places = st.builds(Place, st.floats(-179.0, 179.0), st.floats(-55.0, 80.0))


@settings(deadline=None, max_examples=60)
@given(places)
def test_the_outline_in_degrees_gives_the_grid_back(place: Place) -> None:
    grid = patch_grid(place.lon, place.lat)
    west, south, east, north = grid.footprint_lonlat().bounds
    if east - west > 180:
        return
    x, y = (east - west) / 264, (north - south) / 264
    raster = Raster(np.zeros((264, 264)), 4326, True, (x, 0, west - x / 2, 0, -y, north + y / 2), None)
    assert grid_of(raster, grid.epsg) == grid
    lon, lat = centre_lonlat(raster) or (0, 0)
    assert abs(lon - (east + west) / 2) < 1e-9
    assert abs(lat - (north + south) / 2) < 1e-9


@settings(deadline=None, max_examples=30)
@given(st.sampled_from([44, 132]), st.integers(0, 2**32 - 1))
def test_a_coarse_band_keeps_within_its_neighbours_and_its_gaps(side: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(1, 9000, (side, side), dtype=np.uint16)
    coarse[rng.random((side, side)) < 0.1] = 0
    fine: Any = to_patch_size(coarse)
    nearest = to_patch_size(coarse, nearest=True)
    np.testing.assert_array_equal(fine == 0, nearest == 0)
    padded = np.pad(coarse, 1, mode="edge").astype(int)
    around = np.stack([padded[r : r + side, c : c + side] for r in range(3) for c in range(3)])
    low = np.where(around == 0, 99999, around).min(0).repeat(264 // side, 0).repeat(264 // side, 1)
    high = around.max(0).repeat(264 // side, 0).repeat(264 // side, 1)
    seen = fine != 0
    assert (fine[seen] >= low[seen]).all()
    assert (fine[seen] <= high[seen]).all()


def test_a_band_of_10_m_is_left_alone() -> None:
    band = np.arange(264 * 264, dtype=np.uint16).reshape(264, 264)
    assert to_patch_size(band) is band


def test_a_file_without_bytes_is_told_as_one_that_cannot_be_read() -> None:
    with pytest.raises(NotImportableError, match=r"unreadable file: a/B1\.tif is empty or larger than 16 MB"):
        read_raster(b"", "a/B1.tif")
