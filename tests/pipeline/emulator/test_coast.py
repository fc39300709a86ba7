"""The real coast, and the file that it is kept in."""

import zlib
from importlib.resources import files

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.derive_coast import package_mask
from pipeline.emulator.coast import MASK_COLUMNS, MASK_ROWS, Coast, coast


def test_land_and_sea_lie_where_they_should() -> None:
    lon = np.array([2.35, 31.2, -100.0, 150.0, -30.0, -140.0, 75.0, 18.0])
    lat = np.array([48.85, 30.0, 40.0, -30.0, 40.0, 0.0, -30.0, 35.5])
    share = coast().land_share(lon, lat)
    assert (share[:4] > 0.9).all()
    assert (share[4:] < 0.1).all()


def test_a_box_of_open_ocean_has_no_land_even_across_180_degrees() -> None:
    assert not coast().any_land(178.0, 34.0, 182.0, 36.0)
    assert coast().any_land(178.0, -18.0, 182.0, -16.0)
    assert coast().any_land(-1.0, 50.5, 1.0, 52.0)
    assert not coast().any_land(-32.0, 30.0, -30.0, 32.0)


@pytest.fixture(scope="module")
def mask() -> NDArray[np.uint8]:
    return package_mask()


def test_the_file_holds_the_whole_mask_of_the_package_that_it_was_made_from(mask: NDArray[np.uint8]) -> None:
    with files("pipeline.emulator").joinpath("coast.npz").open("rb") as file, np.load(file) as kept:
        bands = [bytes(band) for band in np.split(kept["bands"], kept["ends"])]
        assert bands.pop() == b""
        assert b"".join(zlib.decompress(band) for band in bands) == mask.tobytes()


def test_a_point_in_the_middle_of_a_cell_has_that_cell_alone(mask: NDArray[np.uint8]) -> None:
    rng = np.random.default_rng(3)
    row, column = rng.integers(MASK_ROWS, size=300), rng.integers(MASK_COLUMNS, size=300)
    step = 360.0 / MASK_COLUMNS
    share = Coast().land_share((column + 0.5) * step - 180.0, 90.0 - (row + 0.5) * step)
    land = (mask[row, column // 8] >> (7 - column % 8)) & 1
    assert 30 < land.sum() < 270
    assert np.allclose(share, land, atol=1e-3)


def test_a_half_degree_cell_with_any_land_has_land(mask: NDArray[np.uint8]) -> None:
    land = np.unpackbits(mask[5400:5460], axis=1).any(axis=0).reshape(720, 60).any(axis=1)
    for cell in range(720):
        west = -180.0 + cell * 0.5
        assert coast().any_land(west + 0.1, 44.6, west + 0.4, 44.9) == land[cell]
