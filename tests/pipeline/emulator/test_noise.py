"""Hashes and noise are pure functions of place, with the spread they claim."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.emulator.noise import NORMAL, drawn, gamma_quantiles, hashed, key, point_noise, unit, value_noise


def test_keys_are_the_same_everywhere_and_differ_by_purpose() -> None:
    assert key(0, "water") == key(0, "water")
    assert len({key(seed, name) for seed in range(20) for name in ("a", "b", "ab", "ba")}) == 80
    assert all(0.0 <= unit(key(7, n)) < 1.0 for n in range(100))


@settings(deadline=None, max_examples=40)
@given(
    left=st.integers(-(10**6), 10**6), low=st.integers(-(10**6), 10**6), cell=st.floats(2.0, 5e4),
    inner=st.integers(0, 12),
)  # fmt: skip
def test_noise_of_a_window_holds_that_of_a_part(left: int, low: int, cell: float, inner: int) -> None:
    x, y = np.meshgrid(left + 10.0 * np.arange(24), low + 10.0 * np.arange(24))
    whole = value_noise(5, x, y, cell)
    part = value_noise(5, x[inner:, inner:], y[inner:, inner:], cell)
    assert np.array_equal(whole[inner:, inner:], part)


def test_noise_has_unit_variance_and_is_smooth() -> None:
    x, y = np.meshgrid(np.arange(0.0, 3000.0, 7.0), np.arange(0.0, 3000.0, 7.0))
    field = value_noise(3, x, y, 50.0)
    assert abs(float(field.mean())) < 0.1
    assert 0.9 < float(field.std()) < 1.1
    assert float(np.abs(np.diff(field, axis=1)).max()) < 1.5


def test_noise_meets_itself_after_its_period() -> None:
    x = np.linspace(0.0, 900.0, 50)
    y = np.full_like(x, 17.0)
    assert np.allclose(value_noise(1, x, y, 100.0, 9), value_noise(1, x + 900.0, y, 100.0, 9), atol=1e-4)


def test_point_noise_agrees_in_spread_with_the_field() -> None:
    values = [point_noise(4, i * 1.7, i * 0.3) for i in range(2000)]
    assert 0.85 < float(np.std(values)) < 1.15


def test_draws_follow_their_table_and_slots_are_independent() -> None:
    bits = hashed(9, np.arange(400)[None, :], np.arange(400)[:, None])
    first, second = drawn(bits, NORMAL, 0), drawn(bits, NORMAL, 1)
    assert abs(float(first.std()) - 1.0) < 0.02
    assert abs(float(np.corrcoef(first.ravel(), second.ravel())[0, 1])) < 0.01
    assert abs(float(np.corrcoef(first[:, 1:].ravel(), first[:, :-1].ravel())[0, 1])) < 0.01


def test_speckle_has_mean_one_and_its_looks() -> None:
    table = gamma_quantiles(4.4)
    assert abs(float(table.mean()) - 1.0) < 1e-3
    assert abs(1.0 / float(table.var()) - 4.4) < 0.1
