import numpy as np
import pytest

from pipeline.schema.bands import S1_NODATA, S2_BANDS
from pipeline.schema.observed import S2_LIT_BANDS, s1_observed, s2_observed


@pytest.mark.parametrize("band", S2_BANDS)
def test_zero_is_unobserved_in_the_lit_bands_only(band: str) -> None:
    s2 = np.full((2, 13, 3, 4), 100, np.uint16)
    s2[1, S2_BANDS.index(band), 2, 3] = 0
    seen = s2_observed(s2)
    assert seen.shape == (2, 3, 4)
    assert bool(seen[1, 2, 3]) == (band not in S2_LIT_BANDS)
    assert np.count_nonzero(~seen) == (band in S2_LIT_BANDS)


@pytest.mark.parametrize("value", [S1_NODATA, np.nan, np.inf, -np.inf])
def test_both_polarisations_must_be_there(value: float) -> None:
    s1 = np.full((2, 3, 4), -12.5, np.float32)
    s1[1, 0, 1] = value
    seen = s1_observed(s1)
    assert not seen[0, 1]
    assert np.count_nonzero(seen) == 11
