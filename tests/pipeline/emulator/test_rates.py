from enum import StrEnum

import pytest

from pipeline.emulator.rates import parse_rates
from pipeline.schema.errors import UsageError


class Animal(StrEnum):
    CAT = "cat"
    DOG = "dog"


def test_pairs_are_read_in_order() -> None:
    assert parse_rates(" dog:0.5, cat:1 ", Animal, "animal", "cat:1") == {Animal.DOG: 0.5, Animal.CAT: 1.0}
    assert parse_rates("", Animal, "animal", "cat:1") == {}


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        ("cow:0.1", "animal 'cow:0.1' is not understood; accepted: kind:rate pairs such as 'cat:1', .* cat, dog"),
        ("cat", "accepted"), ("cat:x", "accepted"), ("cat:1.01", r"0\.\.1"), ("cat:nan", r"0\.\.1"),
        ("cat:0,cat:0", "animal 'cat' is given twice"),
    ],
)  # fmt: skip
def test_a_wrong_list_is_refused(spec: str, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        parse_rates(spec, Animal, "animal", "cat:1")
