"""Which commands of the pages no test runs as they stand, and why: one list, shown as a page too."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from documentation.cells import code, plain, table
from documentation.shown_commands import Block, Shown, blocks, commands, pages

LIST = Path(__file__).parent / "not_run.yaml"


@dataclass(frozen=True)
class NotRun:
    """A class of commands that no test runs as they stand."""

    why: str
    patterns: tuple[str, ...] = ()
    """Regular expressions, looked for in a command whose blanks are single ones."""
    pages: tuple[str, ...] = ()
    """Pages of which everything is of this class."""
    instead: tuple[str, ...] = ()
    """Tests that run the like of it."""
    modules: tuple[str, ...] = ()
    """Packages of Python that need not be installed here."""

    def fits(self, shown: Shown | Block) -> bool:
        """Whether a command, or a block of Python, is of this class."""
        page = shown.page if isinstance(shown, Block) else shown.block.page
        return page in self.pages or any(re.search(pattern, one_line(shown)) for pattern in self.patterns)


def read_list() -> list[NotRun]:
    """The classes, in order: the first that fits a command counts."""
    listed = yaml.safe_load(LIST.read_text(encoding="utf-8"))
    return [NotRun(one.pop("why"), **{key: tuple(value) for key, value in one.items()}) for one in listed]


def one_line(shown: Shown | Block) -> str:
    """A command, or a block, with single blanks."""
    return " ".join(shown.text.split())


def all_shown(root: Path) -> list[Shown]:
    """Every command in a block of README.md and docs/, page by page."""
    return [one for block in all_blocks(root) for one in commands(block)]


def all_blocks(root: Path) -> list[Block]:
    """Every block of README.md and docs/, page by page."""
    return [block for page in pages(root) for block in blocks(page, root)]


def reason(shown: Shown | Block, classes: Sequence[NotRun]) -> NotRun | None:
    """Why a command, or a block of Python, is not run; None where it is."""
    return next((one for one in classes if one.fits(shown)), None)


def run_table(root: Path) -> str:
    """The commands that are run, as a table."""
    classes = read_list()
    return _commands([one for one in all_shown(root) if not one.is_synopsis and reason(one, classes) is None])


def not_run_sections(root: Path) -> str:
    """A section for each class of those that are not."""
    classes, shown = read_list(), [one for one in all_shown(root) if not one.is_synopsis]
    return "\n\n".join(_section(kind, [one for one in shown if reason(one, classes) is kind]) for kind in classes)


def _section(kind: NotRun, shown: Sequence[Shown]) -> str:
    instead = f"The like of it is run by {', '.join(code(test) for test in kind.instead)}." if kind.instead else ""
    return "\n\n".join([f"### {kind.why[0].upper()}{kind.why[1:]}", *([instead] if instead else []), _commands(shown)])


def _commands(shown: Sequence[Shown]) -> str:
    where: dict[str, dict[str, None]] = {}
    for one in shown:
        where.setdefault(one_line(one), {})[one.block.page] = None
    return table(("Command", "On"), ([code(text), plain(", ".join(found))] for text, found in where.items()))
