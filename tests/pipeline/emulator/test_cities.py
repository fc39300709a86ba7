"""The real cities."""

import numpy as np

from pipeline.emulator.cities import cities


def test_density_peaks_in_cities_and_vanishes_far_from_them() -> None:
    density = cities().density(np.array([2.35, 2.60, -140.0]), np.array([48.86, 48.70, 0.0]))
    assert density[0] > 1.0
    assert density[0] > density[1]
    assert density[2] == 0.0


def test_density_of_a_part_is_that_of_the_whole() -> None:
    lon, lat = np.meshgrid(np.linspace(6.5, 7.5, 30), np.linspace(51.0, 51.8, 30))
    whole = cities().density(lon, lat)
    assert np.array_equal(whole[20:, 20:], cities().density(lon[20:, 20:], lat[20:, 20:]))
