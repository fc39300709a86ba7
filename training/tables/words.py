"""Figures in words, the same in every format but for their marks."""

from typing import Final

from training.tables.table import Cell, Table

MINUS: Final = "−"
DASH: Final = "–"


def cell_words(cell: Cell | None) -> str:
    """A figure in words: '53.89 ± 0.56', '+1.20 [−0.31, +2.71]', or a dash where there is none."""
    if cell is None:
        return DASH
    decimals = cell.decimals
    words = signed(cell.value, decimals) if cell.difference else plain(cell.value, decimals)
    if cell.spread is not None:
        words += f" ± {plain(cell.spread, decimals)}"
    if cell.interval is not None:
        words += f" [{signed(cell.interval[0], decimals)}, {signed(cell.interval[1], decimals)}]"
    return words


def plain(value: float, decimals: int) -> str:
    """A number with so many decimals."""
    return f"{value:.{decimals}f}".replace("-", MINUS)


def signed(value: float, decimals: int) -> str:
    """A difference, with its sign unless it is written as 0."""
    words = f"{value:+.{decimals}f}".replace("-", MINUS)
    return words[1:] if float(words[1:]) == 0.0 else words


def head_spans(table: Table) -> list[list[tuple[str, int]]]:
    """The heads of the columns of figures, row by row: each head and over how many columns it reaches."""
    levels = len(table.heads[0]) if table.heads else 0
    rows: list[list[tuple[str, int]]] = []
    for level in range(levels):
        spans: list[tuple[tuple[str, ...], int]] = []
        for head in table.heads:
            path = head[: level + 1]
            if spans and spans[-1][0] == path and level < levels - 1:
                spans[-1] = (path, spans[-1][1] + 1)
            else:
                spans.append((path, 1))
        rows.append([(path[-1], width) for path, width in spans])
    return rows
