"""Every command, from the click commands that parse it: what it does, an example, its arguments and options."""

from collections.abc import Iterator
from typing import Final

import click

from documentation.cells import code, plain, table
from pipeline.cli.help_text import AS_IT_IS, EXAMPLE
from pipeline.cli.main import noldo

WORDS: Final = {"INTEGER": "integer", "FLOAT": "number", "TEXT": "text", "PATH": "path", "FILE": "file"}
"""Click's words for what an option takes, where the command has none of its own."""


def command_page() -> str:
    """Markdown: a section for each command, groups before what is in them."""
    context = click.Context(noldo, info_name="noldo")
    return "\n\n".join(
        piece for name in noldo.list_commands(context) for piece in _sections(noldo.commands[name], context, 2)
    )


def _sections(command: click.Command, above: click.Context, level: int) -> Iterator[str]:
    context = click.Context(command, parent=above, info_name=command.name)
    yield f"{'#' * level} {context.command_path}"
    yield _block(" ".join([context.command_path, *command.collect_usage_pieces(context)]))
    yield from _help(command)
    yield from _options(command, context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from _sections(command.commands[name], context, level + 1)


def _help(command: click.Command) -> Iterator[str]:
    for paragraph in (command.help or "").split("\n\n"):
        text = " ".join(paragraph.removeprefix(AS_IT_IS).split())
        if text.startswith(EXAMPLE.strip()):
            yield "Example:"
            yield _block(text.removeprefix(EXAMPLE.strip()).strip())
        elif text:
            yield plain(text)


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    rows = [
        [
            ", ".join(code(name) for name in _names(option)),
            _value(option, context),
            _default(option, context),
            plain(option.help or ""),
        ]
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden
    ]
    if rows:
        yield table(("Option", "Value", "Default", "What it does"), rows)


def _block(text: str) -> str:
    return f"```sh\n{text}\n```"


def _names(option: click.Option) -> list[str]:
    return [*option.opts, *option.secondary_opts]


def _value(option: click.Option, context: click.Context) -> str:
    if option.is_flag:
        return ""
    kind = option.type
    if isinstance(kind, click.Choice):
        words = ", ".join(code(str(choice)) for choice in kind.choices)
    elif isinstance(kind, click.IntRange | click.FloatRange):
        words = f"{'integer' if isinstance(kind, click.IntRange) else 'number'}, {_range(kind)}"
    else:
        words = plain(WORDS.get(option.make_metavar(context), option.make_metavar(context)))
    return words + (", may be repeated" if option.multiple else "")


def _range(kind: click.IntRange | click.FloatRange) -> str:
    bounds = [] if kind.min is None else [f"{'>' if kind.min_open else '≥'}&nbsp;{kind.min}"]
    bounds += [] if kind.max is None else [f"{'<' if kind.max_open else '≤'}&nbsp;{kind.max}"]
    return ", ".join(bounds)


def _default(option: click.Option, context: click.Context) -> str:
    if option.required:
        return "**required**"
    value = option.get_default(context, call=False)
    if option.is_flag or not option.show_default or value in (None, ()) or callable(value):
        return ""
    return code(str(value))
