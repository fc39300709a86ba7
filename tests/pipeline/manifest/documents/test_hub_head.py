import pytest

from pipeline.manifest.documents.hub_head import size_category


@pytest.mark.parametrize(
    ("rows", "word"),
    [(1, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (415_172, "100K<n<1M"), (10**6, "1M<n<10M")],
)
def test_words_for_sizes(rows: int, word: str) -> None:
    assert size_category(rows) == word
