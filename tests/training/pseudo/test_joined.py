import numpy as np

from training.pseudo.joined import joined

OWN, PSEUDO = np.array([1, 1, 255, 255], np.uint8), np.array([1, 2, 3, 255], np.uint8)


def test_agreement_is_what_both_give() -> None:
    assert joined(OWN, PSEUDO, "agreement").tolist() == [1, 255, 255, 255]


def test_union_fills_what_the_first_is_silent_of() -> None:
    found = joined(OWN, PSEUDO, "union")
    assert found.tolist() == [1, 1, 3, 255]
    assert found.dtype == np.uint8
