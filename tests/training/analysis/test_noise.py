import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schema.landcover import DW_CLASSES
from training.analysis.noise import DISTANCE_EDGES_PX, PIXEL_M, ErrorCounts, boundary_distance


def brute_distance(class_HW: np.ndarray) -> np.ndarray:
    found = np.full(class_HW.shape, np.inf)
    places = list(np.ndindex(class_HW.shape))
    for here in places:
        if class_HW[here] == 255:
            continue
        others = [p for p in places if class_HW[p] not in (255, class_HW[here])]
        found[here] = min((np.hypot(p[0] - here[0], p[1] - here[1]) for p in others), default=np.inf)
    return found


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(2, 9), st.integers(2, 9))
def test_distances_are_those_of_trying_every_pair(seed: int, classes: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    class_HW = rng.choice([*range(classes), 255], size=(height, width)).astype(np.uint8)
    np.testing.assert_allclose(boundary_distance(class_HW), brute_distance(class_HW))


def test_a_straight_boundary() -> None:
    class_HW = np.repeat([[0, 0, 0, 1, 1]], 3, axis=0).astype(np.uint8)
    assert boundary_distance(class_HW)[1].tolist() == [3, 2, 1, 1, 2]
    assert np.isinf(boundary_distance(np.zeros((2, 2), np.uint8))).all()


@settings(deadline=None, max_examples=3)
@given(st.integers(0, 10_000))
def test_rates_are_those_of_counting_by_hand(seed: int) -> None:
    rng = np.random.default_rng(seed)
    maps = [rng.choice([0, 1, 2, 255], size=(2, 8, 40)).astype(np.uint8) for _ in range(3)]
    for marked, truth in maps:
        truth[:, 15:] = 1  # wide enough for far pixels
        marked[:4, 20:] = 1
    counts = ErrorCounts()
    for marked, truth in maps:
        counts.add(marked, truth)
    found = {(rate.by, rate.group): rate for rate in counts.rates()}
    marked = np.concatenate([m[0].ravel() for m in maps])
    truth = np.concatenate([m[1].ravel() for m in maps])
    distance = np.concatenate([brute_distance(m[1]).ravel() for m in maps])
    known = (marked != 255) & (truth != 255)
    for code in (0, 1, 2):
        name = DW_CLASSES[code].name
        for by, of in (("true class", truth), ("marked class", marked)):
            mine = known & (of == code)
            assert (found[by, name].pixels, found[by, name].wrong) == (mine.sum(), (mine & (marked != truth)).sum())
    by_distance = {rate.low_m: rate for (by, _), rate in found.items() if by == "distance"}
    for low, high in zip(DISTANCE_EDGES_PX, (*DISTANCE_EDGES_PX[1:], np.inf), strict=True):
        mine = known & (distance >= low) & ((distance < high) | np.isinf(high))
        rate = by_distance.get(low * PIXEL_M)
        assert (0 if rate is None else rate.pixels) == mine.sum()
        if rate is not None:
            assert rate.rate == pytest.approx((marked != truth)[mine].mean())
    assert sum(rate.pixels for rate in by_distance.values()) == known.sum()


def test_nothing_known_gives_no_rates() -> None:
    counts = ErrorCounts()
    counts.add(np.full((3, 3), 255, np.uint8), np.zeros((3, 3), np.uint8))
    assert counts.rates() == []
