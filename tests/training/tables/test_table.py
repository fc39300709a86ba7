import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.tables.table import Cell, Row, score_cell, with_best

shares = st.lists(st.floats(0.0, 1.0), min_size=2, max_size=6)


def row(*cells: Cell | None) -> Row:
    return Row(words=(), cells=cells, origin="ours", block="")


@given(shares)
@settings(deadline=None, max_examples=50)
def test_a_score_is_the_mean_and_the_samples_deviation_in_percent(values: list[float]) -> None:
    cell = score_cell(values)
    assert cell is not None
    assert cell.value == pytest.approx(100 * np.mean(values))
    assert cell.spread == pytest.approx(100 * np.std(values, ddof=1), abs=1e-9)


def test_a_single_seed_has_no_deviation_and_no_score_no_cell() -> None:
    assert score_cell([0.5]) == Cell(50.0)
    assert score_cell([None, 0.5]) == Cell(50.0)
    assert score_cell([None]) is None
    assert score_cell([]) is None


def test_the_best_of_each_column_is_bold_within_its_arena_only() -> None:
    here, there = ("here",), ("there",)
    marked = with_best(
        [
            row(Cell(99.0), Cell(99.0)),
            row(Cell(10.0, arena=here), Cell(7.0, arena=here)),
            row(Cell(20.0, arena=here), None),
            row(Cell(90.0, arena=there), Cell(7.0, arena=here)),
            row(Cell(80.0, arena=there), Cell(6.0, arena=there)),
        ]
    )
    bold = [[cell is not None and cell.bold for cell in row.cells] for row in marked]
    assert bold == [[False, False], [False, True], [True, False], [True, True], [False, False]]


@given(st.lists(st.floats(0, 100), min_size=2, max_size=8))
@settings(deadline=None, max_examples=50)
def test_bold_figures_are_the_highest_ones(values: list[float]) -> None:
    marked = with_best([row(Cell(value, arena=())) for value in values])
    bold = [row.cells[0].value for row in marked if row.cells[0] is not None and row.cells[0].bold]
    assert bold == [value for value in values if value == max(values)]


def test_no_rows_are_no_rows() -> None:
    assert with_best([]) == ()
