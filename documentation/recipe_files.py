"""The recipes that come with the program: what each is for, by its own first words."""

from pathlib import Path
from typing import Final

import yaml

from documentation.cells import plain, table

COMMANDS: Final = {
    "sample": ("noldo build", "build"),
    "pretrain": ("noldo pretrain", "pretrain"),
    "pseudo_label": ("noldo pseudo-label", "pseudo-label"),
    "transfer": ("noldo transfer", "transfer"),
    "compare": ("noldo compare", "compare"),
    "robustness": ("noldo robustness", "robustness"),
}
"""The section by which a recipe is told -> the command that reads it, and the page of its keys; the first counts."""


def recipe_table(root: Path) -> str:
    """A row a recipe, as seen from docs/reference/."""
    rows = [_row(path) for path in sorted((root / "recipes").glob("*.yaml"))]
    return table(("Recipe", "Read by", "Keys", "What it is"), rows)


def first_words(path: Path) -> str:
    """The first sentence or two of the comment at the top of a recipe: its first paragraph, commands left out."""
    words: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.removeprefix("#").strip()
        if not line.startswith("#") or not text or line.startswith("#  "):
            break
        words.append(text)
    return " ".join(words).removesuffix(":") + ("." if not " ".join(words).endswith((".", ":")) else "")


def _row(path: Path) -> list[str]:
    command, page = read_by(yaml.safe_load(path.read_text(encoding="utf-8")))
    words = first_words(path)
    return [
        f"[{path.name}](../../recipes/{path.name})",
        f"[`{command}`](commands.md#{command.replace(' ', '-')})",
        f"[{page}](recipes/{page}.md)",
        plain(words if words.endswith(".") else words + "."),
    ]


def read_by(raw: dict[str, object]) -> tuple[str, str]:
    """The command that reads a recipe, and which of recipe_keys.RECIPES it is."""
    if "kind" in raw:
        return "noldo build", str(raw["kind"])
    return next(COMMANDS[section] for section in COMMANDS if section in raw)
