import math

import pytest

from pipeline.report import words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (words.percent(0.7123), "71.2\u202f%"),
        (words.percent(1.0, 0), "100\u202f%"),
        (words.percent(None), "–"),
        (words.percent(math.nan), "–"),
        (words.decimal(0.8166), "0.817"),
        (words.decimal(None), "–"),
        (words.count(1234567), "1\u202f234\u202f567"),
        (words.size(0), "0 B"),
        (words.size(51_800_000), "51.8 MB"),
        (words.size(999_600), "1 MB"),
        (words.size(3e15), "3e+03 TB"),
        (words.duration(None), "–"),
        (words.duration(12.34), "12.3 s"),
        (words.duration(125), "2 min 05 s"),
        (words.duration(11_220), "3 h 07 min"),
        (words.shade(0.256), "26%"),
        (words.shade(7.0), "100%"),
        (words.shade(None), "0%"),
        (words.position(-34.603, 151.2), "34.60° S, 151.20° E"),
    ],
)
def test_figures_in_words(text: str, expected: str) -> None:
    assert text == expected
