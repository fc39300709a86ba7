import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.histograms import N_BINS, S1_EDGES, S2_EDGES, add_up, percentiles, s1_histogram, s2_histogram, to_bytes


def test_bins_cover_every_digital_number_once() -> None:
    assert len(S2_EDGES) == len(S1_EDGES) == N_BINS + 1
    assert (S2_EDGES[0], S2_EDGES[-1]) == (0, 65536)
    assert (np.diff(S2_EDGES) >= 1).all()
    every = np.arange(65536, dtype=np.uint16)
    assert np.array_equal(s2_histogram(every), np.diff(S2_EDGES))
    assert (np.diff(S2_EDGES)[256:] <= 0.05 * S2_EDGES[256:-1]).all()


def test_what_lies_beyond_the_bins_counts_at_their_ends() -> None:
    counts = s1_histogram(np.array([-99.0, -70.0, 32.39, 32.4, 59.0], np.float32))
    assert (counts[0], counts[-1], counts.sum()) == (2, 3, 5)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(1, 3000),
    middle=st.floats(0, 9000),
    spread=st.floats(0, 3000),
)
def test_percentiles_are_right_to_a_bin(seed: int, size: int, middle: float, spread: float) -> None:
    rng = np.random.default_rng(seed)
    values = np.clip(rng.normal(middle, spread, size), 0, 65535).astype(np.uint16)
    wanted = np.array([0.0, 1, 25, 50, 75, 99, 100])
    found = percentiles(s2_histogram(values), S2_EDGES, wanted)
    assert (np.diff(found) >= 0).all()
    for percent, value in zip(wanted, found, strict=True):
        low, high = (np.percentile(values, percent, method=m) for m in ("lower", "higher"))
        at = np.searchsorted(S2_EDGES, [low, high], side="right")
        assert S2_EDGES[at[0] - 1] <= value <= S2_EDGES[at[1]]


def test_percentiles_of_nothing_are_unknown() -> None:
    assert np.isnan(percentiles(np.zeros(N_BINS, np.int64), S2_EDGES, np.array([50.0]))).all()


def test_histograms_survive_the_table_and_add_up() -> None:
    counts = np.random.default_rng(1).integers(0, 2**40, (3, 4, 13, N_BINS))
    assert np.array_equal(add_up([to_bytes(c) for c in counts], 4, 13), counts.sum(axis=0))
    assert not add_up([], 4, 2).any()
    with pytest.raises(ValueError, match="reshape"):
        add_up([to_bytes(counts[0])], 4, 2)
