"""Every command's help shows at least one example, and each example is one that the command would take."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pipeline.cli.help_text import examples, keep_examples
from pipeline.cli.main import noldo

ROOT = Path(__file__).parents[3]


def commands(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield words, command
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from commands(below, (*words, name))


COMMANDS = list(commands(noldo))
NAMES = [" ".join(words) or "noldo" for words, _ in COMMANDS]


def parsed(line: str) -> click.Context:
    """The context of the command that a line calls, parsed and converted by click itself, but not run."""
    words = [str(Path(word).expanduser()) if word.startswith("~") else word for word in shlex.split(line)]
    words = words[words.index("noldo") + 1 :]
    context = click.Context(noldo, info_name="noldo")
    command: click.Command = noldo
    while isinstance(command, click.Group):
        name, below, words = command.resolve_command(context, words)
        assert below is not None, name
        command, context = below, click.Context(below, parent=context, info_name=name)
    return command.make_context(context.info_name, words, parent=context.parent)


@pytest.mark.parametrize(("words", "command"), COMMANDS, ids=NAMES)
def test_examples_parse(
    words: tuple[str, ...], command: click.Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519").touch()  # a key that an example names has to be there
    shown = examples(command)
    assert shown
    for line in shown:
        path = parsed(line).command_path.split()
        assert command is noldo or path[: len(words) + 1] == ["noldo", *words] or line != shown[0]
        for word in shlex.split(line):
            if word.startswith("recipes/"):
                assert (ROOT / word).is_file(), word


@pytest.mark.parametrize(("words", "command"), COMMANDS, ids=NAMES)
def test_every_option_is_explained(words: tuple[str, ...], command: click.Command) -> None:
    silent = [p.name for p in command.params if isinstance(p, click.Option) and not p.help]
    assert silent == []


def test_a_bad_example_is_found() -> None:
    with pytest.raises(click.UsageError):
        parsed("noldo build recipes/demo.yaml --outt runs/demo --out runs/demo")
    with pytest.raises(click.UsageError):
        parsed("noldo manifest verfy runs/demo")


def test_examples_stay_on_one_line_in_a_narrow_terminal() -> None:
    first, second = "noldo long --out " + "x" * 120, "--store y"
    line = f"{first} {second}"

    @click.command(help=f"Do much, and\n    more.\n\n    Example:  {first}\n    {second}\n    ")
    def long() -> None: ...

    keep_examples(long)
    assert examples(long) == [line]
    shown = CliRunner().invoke(long, ["--help"], terminal_width=60).output
    assert f"Example:  {line}\n" in shown
    assert "Do much, and more." in shown
