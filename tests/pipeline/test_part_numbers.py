from hypothesis import given
from hypothesis import strategies as st

from pipeline.part_numbers import as_ranges, from_ranges


def test_ranges() -> None:
    assert as_ranges([4, 0, 1, 2, 7, 6, 1]) == "0-2,4,6-7"
    assert list(from_ranges("")) == []


@given(st.sets(st.integers(0, 300)))
def test_there_and_back(numbers: set[int]) -> None:
    assert list(from_ranges(as_ranges(numbers))) == sorted(numbers)
