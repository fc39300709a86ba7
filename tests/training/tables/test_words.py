import pytest

from training.tables.table import Cell, Table
from training.tables.words import cell_words, head_spans


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (None, "–"),
        (Cell(53.894), "53.89"),
        (Cell(53.894, 0.556), "53.89 ± 0.56"),
        (Cell(36.2, decimals=1), "36.2"),
        (Cell(1.2, interval=(-0.314, 2.7), difference=True), "+1.20 [−0.31, +2.70]"),
        (Cell(-1.2, difference=True), "−1.20"),
        (Cell(-0.001, difference=True), "0.00"),
    ],
)
def test_a_figure_in_words(cell: Cell | None, expected: str) -> None:
    assert cell_words(cell) == expected


def test_heads_reach_over_what_they_have_in_common() -> None:
    heads = (("A", "x", "1"), ("A", "x", "2"), ("A", "y", "1"), ("B", "y", "1"))
    table = Table("key", "title", ("word",), heads, ())
    assert head_spans(table) == [
        [("A", 3), ("B", 1)],
        [("x", 2), ("y", 1), ("y", 1)],
        [("1", 1), ("2", 1), ("1", 1), ("1", 1)],
    ]
    assert head_spans(Table("key", "title", ("word",), (("1",), ("1",)), ())) == [[("1", 1), ("1", 1)]]
