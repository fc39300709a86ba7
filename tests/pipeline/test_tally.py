from collections.abc import Callable

import numpy as np
import pytest

from pipeline.schema.bands import S1_NODATA
from pipeline.schema.records import Patch
from pipeline.tally import Tally

MakePatch = Callable[..., Patch]


def test_sums_are_those_of_all_patches_together(make_patch: MakePatch) -> None:
    patches = [make_patch(name) for name in "abc"]
    tally = Tally()
    for patch in patches:
        tally.add(patch)
    s2 = np.concatenate([p.s2 for p in patches]).astype(np.float64)
    for band, found in enumerate(tally.s2_sums()):
        assert found.pixels == s2[:, band].size
        assert found.total == s2[:, band].sum()
        assert found.squares == (s2[:, band] ** 2).sum()
    for season, counts in enumerate(tally.class_count()):
        labels = np.stack([p.dw[season] for p in patches])
        assert counts == tuple(np.count_nonzero(labels == c) for c in [*range(9), 255])


def test_unobserved_pixels_stay_out_of_the_band_sums(make_patch: MakePatch) -> None:
    patch = make_patch()
    s2, s1 = patch.s2.copy(), patch.s1.copy()
    s2[0, 0, :12] = 0
    s1[0, 1, :12] = S1_NODATA
    tally = Tally()
    tally.add(make_patch(s2=s2, s1=s1))
    expected = np.concatenate([patch.s1[0, 0, 12:].ravel(), patch.s1[1:, 0].ravel()]).astype(np.float64)
    assert {b.pixels for b in (*tally.s2_sums(), *tally.s1_sums())} == {expected.size}
    assert tally.s1_sums()[0].total == pytest.approx(expected.sum(), rel=1e-12)
