"""Figures of differences equal NumPy's on the same arrays, whatever the window, the scaling and the nodata."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.manifest.drift_pixels import PixelTally, overlap
from pipeline.schema.bands import S1_NODATA, S2_SCALING, Scaling
from pipeline.schema.landcover import IGNORE


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**31), pieces=st.integers(1, 3), alike=st.booleans())
def test_labels_are_counted_as_they_are(seed: int, pieces: int, alike: bool) -> None:
    rng = np.random.default_rng(seed)
    ours = rng.choice([0, 1, 2, 8, IGNORE], (3, 8, 8)).astype(np.uint8)
    published = ours if alike else rng.choice([0, 1, 2, 8, IGNORE], ours.shape).astype(np.uint8)
    tally = PixelTally()
    for mine, theirs in zip(np.array_split(ours, pieces), np.array_split(published, pieces), strict=True):
        tally.add_labels("dw", mine, theirs)
    (found,) = tally.label_drift()
    both = (ours != IGNORE) & (published != IGNORE)
    assert (found.both, found.equal) == (both.sum(), (both & (ours == published)).sum())
    assert found.only_ours == ((ours != IGNORE) & (published == IGNORE)).sum()
    assert found.only_published == ((ours == IGNORE) & (published != IGNORE)).sum()
    assert found.both + found.only_ours + found.only_published + found.neither == ours.size
    assert [n for _, _, n in found.changes] == sorted((n for _, _, n in found.changes), reverse=True)
    for mine, theirs, pixels in found.changes:
        assert mine != theirs
        assert pixels == ((ours == mine) & (published == theirs)).sum()
    assert found.agreement == (np.mean(ours[both] == published[both]) if both.any() else None)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**31), pieces=st.integers(1, 3))
def test_raw_bands_leave_out_what_was_not_observed(seed: int, pieces: int) -> None:
    rng = np.random.default_rng(seed)
    ours = rng.normal(-12, 4, (3, 2, 6, 6)).astype(np.float32)
    published = np.where(rng.random(ours.shape) < 0.5, ours, ours + rng.normal(0.2, 1, ours.shape)).astype(np.float32)
    ours[rng.random(ours.shape) < 0.1] = S1_NODATA
    published[rng.random(ours.shape) < 0.1] = S1_NODATA
    tally = PixelTally()
    for mine, theirs in zip(np.array_split(ours, pieces), np.array_split(published, pieces), strict=True):
        tally.add_images("s1", mine, theirs, (None, None))
    assert [b.band for b in tally.band_drift()] == ["VV", "VH"]
    for band, found in enumerate(tally.band_drift()):
        mine, theirs = ours[:, band].astype(float), published[:, band].astype(float)
        seen, there = mine != S1_NODATA, theirs != S1_NODATA
        difference = (mine - theirs)[seen & there]
        assert (found.unit, found.pixels, found.equal) == ("dB", difference.size, (difference == 0).sum())
        assert (found.only_ours, found.only_published) == ((seen & ~there).sum(), (there & ~seen).sum())
        assert found.mean == pytest.approx(difference.mean())
        assert found.rms == pytest.approx(np.sqrt(np.mean(difference**2)))
        assert found.largest == pytest.approx(np.abs(difference).max())


def compared(ours: np.ndarray, published: np.ndarray, *scalings: Scaling | None) -> PixelTally:
    tally = PixelTally()
    tally.add_images("s2", ours, published, scalings)  # type: ignore[arg-type]
    return tally


def test_images_scaled_alike_are_compared_in_steps() -> None:
    raw = np.random.default_rng(0).integers(1, 8000, (4, 13, 9, 9)).astype(np.uint16)
    ours = S2_SCALING.to_uint8(raw)
    found = compared(ours, np.clip(ours.astype(int) - 3, 0, 255).astype(np.uint8), S2_SCALING, S2_SCALING).band_drift()
    assert {(b.unit, b.pixels) for b in found} == {("step", 4 * 81)}
    assert {b.largest for b in found} <= {3.0, 2.0, 1.0}
    same = compared(ours, ours.copy(), S2_SCALING, S2_SCALING).band_drift()
    assert [(b.equal, b.mean, b.rms, b.largest) for b in same] == [(4 * 81, 0.0, 0.0, 0.0)] * 13


def test_images_scaled_otherwise_are_compared_in_raw_units_as_far_as_the_steps_tell() -> None:
    raw = np.random.default_rng(1).integers(900, 1600, (2, 13, 9, 9)).astype(np.uint16)
    other = Scaling(S2_SCALING.bands, (1250.0,) * 13, (500.0,) * 13)
    wide = Scaling(S2_SCALING.bands, (1250.0,) * 13, (900.0,) * 13)
    for pair in ((raw, None, other.to_uint8(raw), other), (wide.to_uint8(raw), wide, other.to_uint8(raw), other)):
        found = compared(pair[0], pair[2], pair[1], pair[3]).band_drift()
        assert {(b.unit, b.equal == b.pixels) for b in found} == {("DN", True)}
        assert all(0 < b.rms < 8 for b in found if b.rms is not None)
    shifted = compared(raw + 1000, other.to_uint8(raw), None, other).band_drift()
    assert all(b.equal == 0 and b.mean == pytest.approx(1000, abs=2) for b in shifted)


def test_a_band_that_nobody_observed_has_no_figures() -> None:
    tally, nothing = PixelTally(), np.full((1, 2, 4, 4), S1_NODATA, np.float32)
    tally.add_images("s1", nothing, nothing, (None, None))
    vv, _ = tally.band_drift()
    assert (vv.pixels, vv.mean, vv.rms, vv.largest) == (0, None, None, None)


@settings(deadline=None, max_examples=60)
@given(
    sides=st.tuples(*[st.integers(1, 9)] * 4), columns=st.integers(-10, 10), rows=st.integers(-10, 10)
)  # fmt: skip
def test_the_overlap_is_the_ground_that_both_have(sides: tuple[int, int, int, int], columns: int, rows: int) -> None:
    height, width, height2, width2 = sides
    y, x = np.mgrid[0:height, 0:width]
    y2, x2 = np.mgrid[0:height2, 0:width2]
    y2, x2 = y2 + rows, x2 + columns
    common = set(zip(y.flat, x.flat, strict=True)) & set(zip(y2.flat, x2.flat, strict=True))
    found = overlap((height, width), (height2, width2), (columns, rows))
    if not common:
        assert found is None
        return
    assert found is not None
    mine, theirs = found
    assert np.array_equal(y[mine], y2[theirs])
    assert np.array_equal(x[mine], x2[theirs])
    assert y[mine].size == len(common)
