"""Tables in Markdown."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells are Markdown themselves, of any number of lines."""
    lines = [_line(head), _line(["---"] * len(head)), *(_line(row) for row in rows)]
    return "\n".join(lines)


def code(text: str) -> str:
    """Text as it is, in the type of code."""
    fence = "``" if "`" in text else "`"
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}"


def plain(text: str) -> str:
    """Text in which nothing stands for markup, but what is between backquotes."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        pieces = [text]
    marked = (
        f"`{piece}`"
        if number % 2
        else piece.replace("&", "&amp;").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
        for number, piece in enumerate(pieces)
    )
    return "".join(marked)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"
