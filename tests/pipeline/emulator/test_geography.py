"""The real coast and the real cities."""

import sys

import numpy as np

from pipeline.emulator.geography import cities, coast


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


def test_reading_the_coast_does_not_import_the_heavy_module() -> None:
    coast()
    assert "global_land_mask" not in sys.modules


def test_density_peaks_in_cities_and_vanishes_far_from_them() -> None:
    density = cities().density(np.array([2.35, 2.60, -140.0]), np.array([48.86, 48.70, 0.0]))
    assert density[0] > 1.0
    assert density[0] > density[1]
    assert density[2] == 0.0


def test_density_of_a_part_is_that_of_the_whole() -> None:
    lon, lat = np.meshgrid(np.linspace(6.5, 7.5, 30), np.linspace(51.0, 51.8, 30))
    whole = cities().density(lon, lat)
    assert np.array_equal(whole[20:, 20:], cities().density(lon[20:, 20:], lat[20:, 20:]))
