"""Tables as Markdown (the pipe tables of GitHub Flavored Markdown, section 4.10)."""

from collections.abc import Sequence

from training.tables.table import Cell, Row, Table
from training.tables.words import cell_words


def markdown(title: str, introduction: Sequence[str], tables: Sequence[Table]) -> str:
    """A whole document; rows of ours begin with a mark in their source, and the best of a column is bold."""
    parts = [f"# {escaped(title)}", *map(escaped, introduction), *map(_table, tables)]
    return "\n\n".join(parts) + "\n"


def escaped(words: str) -> str:
    """Words in which nothing is read as a mark of Markdown or HTML."""
    for mark in "\\`*_[]<>|":
        words = words.replace(mark, f"\\{mark}")
    return words.replace("&", "&amp;").replace("\n", " ")


def _table(table: Table) -> str:
    heads = [*table.word_heads, *(" ".join(head) for head in table.heads)]
    lines = [
        _line([escaped(head) for head in heads]),
        _line([*("---" for _ in table.word_heads), *("---:" for _ in table.heads)]),
        *(_row(row) for row in table.rows),
    ]
    notes = [f"\n{escaped(' '.join(table.notes))}"] if table.notes else []
    return "\n".join([f"## {escaped(table.title)}", "", *lines, *notes])


def _row(row: Row) -> str:
    return _line([*map(escaped, row.words), *map(_cell, row.cells)])


def _cell(cell: Cell | None) -> str:
    words = cell_words(cell)
    return f"**{words}**" if cell is not None and cell.bold else words


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
