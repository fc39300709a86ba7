import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.emulator.lattice import Frame, GridWindow, Located, Projection
from pipeline.emulator.resample import Cut, Pixels, bilinear_taps, nearest_taps, needed

SIDE = 40
NATIVE = Projection("EPSG:32633", (20.0, 0.0, 500_000.0, 0.0, -20.0, 5_300_000.0))


def native(seed: int, masked: float = 0.0) -> Pixels:
    rng = np.random.default_rng(seed)
    return Pixels(rng.normal(size=(SIDE, SIDE)).astype(np.float32), rng.random((SIDE, SIDE)) >= masked)


def part(pixels: Pixels, cut: Cut) -> Pixels:
    rows, columns = slice(cut.row0, cut.row1), slice(cut.column0, cut.column1)
    return Pixels(pixels.values[rows, columns], pixels.valid[rows, columns])


def window(left: float, top: float, width: int, height: int, pixel: float) -> GridWindow:
    return GridWindow(Projection("EPSG:32633", (pixel, 0.0, left, 0.0, -pixel, top)), width, height)


def sampled(mode: str, pixels: Pixels, on: GridWindow) -> Pixels:
    located = Frame().locate(on, NATIVE)
    cut = needed(located, 1).within(SIDE, SIDE)
    taps = bilinear_taps(located, cut) if mode == "bilinear" else nearest_taps(located, cut)
    return taps.apply(part(pixels, cut))


modes = st.sampled_from(["nearest", "bilinear"])


@settings(deadline=None, max_examples=40)
@given(modes, st.integers(0, 9), st.integers(0, 20), st.integers(0, 20), st.integers(1, 20), st.integers(1, 20))
def test_the_native_lattice_comes_through_unchanged(
    mode: str, seed: int, column: int, row: int, width: int, height: int
) -> None:
    pixels = native(seed, masked=0.2)
    got = sampled(mode, pixels, window(500_000 + 20 * column, 5_300_000 - 20 * row, width, height, 20.0))
    want = part(pixels, Cut(column, row, column + width, row + height))
    np.testing.assert_array_equal(got.values, want.values)
    np.testing.assert_array_equal(got.valid, want.valid)


@settings(deadline=None, max_examples=40)
@given(modes, st.integers(0, 9), st.integers(-30, 60), st.integers(-30, 60), st.integers(0, 25), st.integers(0, 25))
def test_overlapping_windows_agree(mode: str, seed: int, left: int, up: int, right: int, down: int) -> None:
    pixels = native(seed, masked=0.1)
    x, y = 500_000 + 10.0 * left, 5_300_000 - 10.0 * up
    one = sampled(mode, pixels, window(x, y, 30, 30, 10.0))
    two = sampled(mode, pixels, window(x + 10.0 * right, y - 10.0 * down, 30, 30, 10.0))
    kept = 30 - right, 30 - down
    np.testing.assert_array_equal(one.valid[down:, right:], two.valid[: kept[1], : kept[0]])
    both = one.valid[down:, right:]
    np.testing.assert_array_equal(one.values[down:, right:][both], two.values[: kept[1], : kept[0]][both])


def test_each_pixel_of_a_finer_window_takes_the_coarse_pixel_it_lies_in() -> None:
    pixels = native(1)
    got = sampled("nearest", pixels, window(500_000, 5_300_000, 2 * SIDE, 2 * SIDE, 10.0))
    np.testing.assert_array_equal(got.values, np.repeat(np.repeat(pixels.values, 2, axis=0), 2, axis=1))
    assert got.valid.all()


def test_outside_the_source_is_masked() -> None:
    for mode in ("nearest", "bilinear"):
        got = sampled(mode, native(1), window(499_900, 5_300_060, 10, 8, 20.0))
        assert not got.valid[:3].any()
        assert not got.valid[:, :5].any()
        assert got.valid[3:, 5:].all()


def test_bilinear_reproduces_a_plane_away_from_the_edge() -> None:
    column, row = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    plane = Pixels((3.0 * column + 5.0 * row).astype(np.float32), np.ones((SIDE, SIDE), np.bool_))
    on = window(500_020, 5_299_980, 2 * SIDE - 4, 2 * SIDE - 4, 10.0)
    located = Frame().locate(on, NATIVE)
    got = sampled("bilinear", plane, on)
    want = 3.0 * (located.columns - 0.5) + 5.0 * (located.rows - 0.5)
    np.testing.assert_allclose(got.values, want, atol=1e-3)


def test_bilinear_leaves_a_constant_exactly_constant() -> None:
    flat = Pixels(np.full((SIDE, SIDE), 999.0, np.float32), np.ones((SIDE, SIDE), np.bool_))
    got = sampled("bilinear", flat, window(500_003, 5_299_993, 90, 90, 7.0))
    assert (got.values[got.valid] == 999.0).all()


def test_bilinear_does_not_mix_in_masked_pixels() -> None:
    pixels = native(2)
    pixels.values[10, 10], pixels.valid[10, 10] = 1e9, False
    got = sampled("bilinear", pixels, window(500_000, 5_300_000, 2 * SIDE, 2 * SIDE, 10.0))
    assert not got.valid[20:22, 20:22].any()
    assert got.valid.sum() == 4 * SIDE * SIDE - 4
    assert np.abs(got.values[got.valid]).max() < 10


def test_separable_and_general_positions_give_the_same() -> None:
    pixels = native(3, masked=0.1)
    located = Frame().locate(window(500_035, 5_299_955, 25, 17, 13.0), NATIVE)
    full = np.broadcast_arrays(located.columns, located.rows)
    general = Located(full[0].copy(), full[1].copy())
    cut = needed(located, 1).within(SIDE, SIDE)
    assert located.separable
    assert not general.separable
    for prepare in (nearest_taps, bilinear_taps):
        one, two = prepare(located, cut).apply(part(pixels, cut)), prepare(general, cut).apply(part(pixels, cut))
        np.testing.assert_array_equal(one.valid, two.valid)
        np.testing.assert_array_equal(one.values, two.values)


def test_positions_that_are_no_place_are_masked() -> None:
    located = Located(np.array([[0.5, np.inf], [np.nan, 1.5]]), np.array([[0.5, 0.5], [1.5, 1.5]]))
    cut = needed(located, 0).within(SIDE, SIDE)
    got = nearest_taps(located, cut).apply(part(native(4), cut))
    assert got.valid.tolist() == [[True, False], [False, True]]
