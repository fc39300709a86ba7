import numpy as np
import pytest

from pipeline.schema.bands import S1_NODATA, S1_SCALING, S2_SCALING


def test_mean_is_the_middle_and_two_deviations_are_the_ends() -> None:
    mean, std = np.array(S1_SCALING.mean), np.array(S1_SCALING.std)
    raw = np.stack([mean, mean - 2 * std, mean + 2 * std, mean - 9 * std, mean + 9 * std], axis=1)[:, :, None]
    scaled = S1_SCALING.to_uint8(raw.astype(np.float32))
    assert scaled.dtype == np.uint8
    np.testing.assert_array_equal(scaled[:, 1:, 0], [[0, 255, 0, 255]] * 2)
    assert np.all(np.isin(scaled[:, 0, 0], (127, 128)))


def test_scaling_is_monotonic_over_all_digital_numbers() -> None:
    numbers = np.arange(65536, dtype=np.uint16)
    raw = np.broadcast_to(numbers, (13, 1, 65536))
    assert np.all(np.diff(S2_SCALING.to_uint8(raw).astype(int), axis=-1) >= 0)


def test_nodata_of_radar_is_the_darkest_value() -> None:
    assert not S1_SCALING.to_uint8(np.full((2, 1, 1), S1_NODATA, np.float32)).any()


def test_the_band_axis_is_checked() -> None:
    with pytest.raises(ValueError, match=r"13 bands on axis -3, got shape \(2, 4, 4\)"):
        S2_SCALING.to_uint8(np.zeros((2, 4, 4)))
