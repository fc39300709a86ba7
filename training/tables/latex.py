"""Tables as LaTeX, to be read into a document that loads booktabs and adjustbox."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from training.tables.table import Cell, Row, Table
from training.tables.words import DASH, MINUS, cell_words, head_spans

_MARKS: Final = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "±": r"$\pm$",
    MINUS: r"$-$",
    DASH: "--",
    "\n": " ",
}


def latex(introduction: Sequence[str], tables: Sequence[Table]) -> str:
    """Every table in a float of its own; the introduction stands in comments."""
    head = ["Needs \\usepackage{booktabs,adjustbox} and, for straight double quotes, \\usepackage[T1]{fontenc}."]
    comments = "\n".join(f"% {' '.join(line.split())}" for line in (*head, *introduction))
    return "\n\n".join([comments, *map(_table, tables)]) + "\n"


def escaped(words: str) -> str:
    """Words in which nothing is read as a command."""
    return "".join(_MARKS.get(character, character) for character in words)


def _table(table: Table) -> str:
    words = len(table.word_heads)
    body = [
        "\\begin{table*}[p]",
        "\\centering",
        f"\\caption{{{escaped(table.title)}}}",
        f"\\label{{tab:{table.key}}}",
        "\\begin{adjustbox}{max width=\\textwidth, max totalheight=.85\\textheight}",
        f"\\begin{{tabular}}{{@{{}}{'l' * words}{'r' * len(table.heads)}@{{}}}}",
        "\\toprule",
        *_heads(table),
        "\\midrule",
        *_rows(table.rows),
        "\\bottomrule",
        "\\end{tabular}",
        "\\end{adjustbox}",
        *([f"\\par\\smallskip{{\\footnotesize {escaped(' '.join(table.notes))}\\par}}"] if table.notes else []),
        "\\end{table*}",
    ]
    return "\n".join(body)


def _heads(table: Table) -> list[str]:
    lines: list[str] = []
    spans = head_spans(table)
    for level, row in enumerate(spans):
        innermost = level == len(spans) - 1
        words = [escaped(head) if innermost else "" for head in table.word_heads]
        cells = [f"\\multicolumn{{{width}}}{{{'r' if innermost else 'c'}}}{{{escaped(head)}}}" for head, width in row]
        lines.append(_line([*words, *cells]))
        if not innermost:
            lines.append(_rules(len(table.word_heads), [width for _, width in row]))
    return lines


def _rules(before: int, widths: Sequence[int]) -> str:
    """A rule below each head that reaches over its columns."""
    starts = [before + 1 + sum(widths[:index]) for index in range(len(widths))]
    return " ".join(
        f"\\cmidrule(lr){{{start}-{start + width - 1}}}" for start, width in zip(starts, widths, strict=True)
    )


def _rows(rows: Sequence[Row]) -> list[str]:
    lines = [_row(row) for row in rows[:1]]
    for before, row in pairwise(rows):
        if row.block != before.block:
            lines.append("\\midrule")
        lines.append(_row(row))
    return lines


def _row(row: Row) -> str:
    return _line([*map(escaped, row.words), *map(_cell, row.cells)])


def _cell(cell: Cell | None) -> str:
    words = escaped(cell_words(cell))
    return f"\\textbf{{{words}}}" if cell is not None and cell.bold else words


def _line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + " \\\\"
