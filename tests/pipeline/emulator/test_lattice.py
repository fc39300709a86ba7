import numpy as np
import pytest
from pyproj import Transformer

from pipeline.emulator.lattice import Frame, GridWindow, Projection, parsed_crs
from pipeline.emulator.replies import RequestError

UTM = Projection("EPSG:32633", (10.0, 0.0, 500_000.0, 0.0, -10.0, 5_300_000.0))


def test_a_lattice_counts_from_another_pixel() -> None:
    assert UTM.shifted(3, -2).transform == (10.0, 0.0, 500_030.0, 0.0, -10.0, 5_300_020.0)


def test_nominal_scale_and_its_change() -> None:
    assert UTM.nominal_scale_m == pytest.approx(10.0)
    assert UTM.at_scale(60.0).transform == pytest.approx((60.0, 0.0, 500_000.0, 0.0, -60.0, 5_300_000.0))
    assert Projection().nominal_scale_m == pytest.approx(111_319.49, abs=0.01)


def test_positions_in_another_zone_are_those_of_proj() -> None:
    window = GridWindow(Projection("EPSG:32634", (10.0, 0.0, 60_000.0, 0.0, -10.0, 5_300_000.0)), 3, 2)
    located = Frame().locate(window, UTM)
    x, y = Transformer.from_crs(32634, 32633, always_xy=True).transform(60_025.0, 5_299_985.0)
    assert not located.separable
    assert located.columns[1, 2] == pytest.approx((x - 500_000) / 10)
    assert located.rows[1, 2] == pytest.approx((5_300_000 - y) / 10)


def test_a_turned_lattice_is_inverted() -> None:
    turned = Projection("EPSG:32633", (6.0, 8.0, 500_000.0, 8.0, -6.0, 5_300_000.0))
    located = Frame().locate(GridWindow(turned, 4, 3), turned)
    columns, rows = np.meshgrid(np.arange(4) + 0.5, np.arange(3) + 0.5)
    np.testing.assert_allclose(located.columns, columns)
    np.testing.assert_allclose(located.rows, rows)


def test_a_projection_that_is_none_is_refused() -> None:
    with pytest.raises(RequestError, match="could not be parsed"):
        parsed_crs("EPSG:nothing")
    flat = Projection("EPSG:32633", (0.0, 0.0, 0.0, 0.0, -10.0, 0.0))
    with pytest.raises(RequestError, match="cannot be inverted"):
        Frame().locate(GridWindow(UTM, 2, 2), flat)
