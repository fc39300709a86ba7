"""Examples in the help of commands: each on one line, however narrow the terminal, so that it can be copied."""

from inspect import cleandoc
from typing import Final

import click

EXAMPLE: Final = "Example:  "
"""How a paragraph begins that holds one command to copy."""

AS_IT_IS: Final = "\b\n"
"""Click wraps no paragraph that begins so (click, 'Documenting Scripts': preventing rewrapping)."""


def keep_examples(command: click.Command) -> None:
    """Keep the examples of a command, and of those below it, from being wrapped."""
    if command.help:
        command.help = "\n\n".join(_kept(paragraph) for paragraph in cleandoc(command.help).split("\n\n"))
    if isinstance(command, click.Group):
        for below in command.commands.values():
            keep_examples(below)


def examples(command: click.Command) -> list[str]:
    """The commands to copy that the help of a command shows."""
    paragraphs = (text.strip().removeprefix(AS_IT_IS) for text in (command.help or "").split("\n\n"))
    return [text.removeprefix(EXAMPLE) for text in paragraphs if text.startswith(EXAMPLE)]


def _kept(paragraph: str) -> str:
    if not paragraph.strip().startswith(EXAMPLE):
        return paragraph
    first, *more = (line.strip() for line in paragraph.strip().splitlines())
    return AS_IT_IS + " ".join([first, *more])
