"""A figure with its data, and how both are written down."""

import csv
import dataclasses
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from training.analysis.figures.style import styled
from training.json_file import write_whole


@dataclass(frozen=True)
class Exhibit:
    """A figure that can be drawn."""

    name: str
    """Of its files, without suffix; no other exhibit of an analysis has it."""
    title: str
    reads: str
    """How to read it, in a sentence or two."""
    rows: Sequence[Any]
    """What it shows: records of plain fields, all of one kind."""
    draw: Callable[[], Figure]


@dataclass(frozen=True)
class Missing:
    """A figure that cannot be drawn, and why."""

    title: str
    why: str


@dataclass(frozen=True)
class Written:
    """A figure that lies in its files."""

    name: str
    title: str
    reads: str
    png: Path
    svg: Path
    data: Path
    """CSV: a line for each row."""


def write_exhibit(exhibit: Exhibit, folder: Path) -> Written:
    """Draw a figure and write NAME.png, NAME.svg and NAME.csv, each whole or not at all."""
    base = folder / exhibit.name
    written = Written(
        exhibit.name,
        exhibit.title,
        exhibit.reads,
        base.with_suffix(".png"),
        base.with_suffix(".svg"),
        base.with_suffix(".csv"),
    )
    with styled():
        figure = exhibit.draw()
        for path, metadata in ((written.png, {"Software": None}), (written.svg, {"Date": None})):
            partial = path.with_name(f".{os.getpid()}.{path.name}")
            try:
                figure.savefig(partial, metadata=metadata, format=path.suffix[1:])
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
    write_rows(written.data, exhibit.rows)
    return written


def write_rows(path: Path, rows: Sequence[Any]) -> None:
    """Write records as CSV, a column for each field, empty where there is no value. ValueError for no rows."""
    if not rows:
        raise ValueError("no rows to write")
    plain = [plain_row(row) for row in rows]
    lines: list[str] = []
    writer = csv.DictWriter(_Lines(lines), fieldnames=list(plain[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(plain)
    write_whole(path, "".join(lines))


def plain_row(row: Any) -> dict[str, Any]:
    """A record as plain data; what it holds several of is written as JSON."""
    return {
        name: json.dumps(value) if isinstance(value, list | tuple | Mapping) else value
        for name, value in dataclasses.asdict(row).items()
    }


class _Lines:
    """What csv can write to."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def write(self, text: str) -> None:
        self._lines.append(text)
