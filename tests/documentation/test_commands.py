"""Commands on the pages are such as their programs would take, and the list of those not run is no older than they."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from documentation.not_run import all_blocks, all_shown, one_line, read_list
from documentation.recipe_files import read_by
from documentation.recipe_keys import RECIPES
from documentation.shown_commands import PROGRAMS, Shown, inline_commands, pages
from pipeline.cli.main import noldo
from pipeline.recipe import read_yaml
from pipeline.schema.strict import validated

ROOT = Path(__file__).parents[2]
SHOWN = all_shown(ROOT)
INLINE = [one for page in pages(ROOT) for one in inline_commands(page, ROOT)]


def label(one: Shown) -> str:
    return f"{one.block.page}-{one.block.line}-{one_line(one)[:60]}"


def looped(text: str) -> str:
    """A loop over given words with the first of each in place of its variable; a script with what it sets itself."""
    assigned = re.findall(r"^([A-Z_]+)=([\w./-]+)$", text, re.MULTILINE)
    for variable, word in (*re.findall(r"for (\w+) in (\S+)", text), *assigned):
        text = re.sub(rf"\$\{{?{variable}\b\}}?", word, text)
    return text


def of_noldo(words: list[str]) -> list[str] | None:
    """The arguments of noldo in a command that calls it, by torchrun too; None in any other."""
    if words[:1] == ["torchrun"]:
        words = words[words.index("--no-python") + 1 :]
    return words[1:] if words[:1] == ["noldo"] else None


def called(words: list[str]) -> tuple[click.Context, list[str]]:
    """The command that the words call, and its own arguments."""
    context, command = click.Context(noldo, info_name="noldo"), noldo
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name, below, words = command.resolve_command(context, words)
        assert below is not None, name
        command, context = below, click.Context(below, parent=context, info_name=name)
    return context, words


@pytest.fixture
def without_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Click takes any path: what an example reads need not be here."""
    monkeypatch.setattr(click.Path, "convert", lambda self, value, param, context: value and Path(value))
    monkeypatch.setattr(click.File, "convert", lambda self, value, param, context: value)


def require_known(words: list[str]) -> None:
    """Command, options and their values are known, recipes are there, and `--set` names keys that they have."""
    context, arguments = called(list(words))
    made = context.command.make_context(context.info_name, [a for a in arguments if a != "--debug"], context.parent)
    recipes = [word for word in words if word.startswith("recipes/")]
    assert all((ROOT / recipe).is_file() for recipe in recipes), recipes
    settings = made.params.get("settings", ())
    if recipes and settings:
        check_settings(ROOT / recipes[0], settings)


def check_settings(recipe: Path, settings: tuple[str, ...]) -> None:
    kind = read_by(read_yaml(recipe))[1]
    model, section = RECIPES[kind]
    raw: dict[str, Any] = read_yaml(recipe, settings)
    validated(model, raw[section] if section else raw, str(recipe))


def alternatives(text: str) -> Iterator[list[str]]:
    """The commands that a synopsis stands for: brackets opened, a command for each of several names."""
    words = re.sub(r"[\[\]]", " ", text.replace("...", " ").replace(" | ", "|")).split()
    names = next((word for word in words[1:4] if "|" in word and word.islower()), None)
    for name in names.split("|") if names else [None]:
        yield [name if word == names and name else word for word in words]


@pytest.mark.parametrize("one", [one for one in SHOWN if not one.is_synopsis], ids=label)
def test_commands_would_be_taken(one: Shown, without_files: None) -> None:
    for words in Shown(one.block, looped(one.text)).simple():
        arguments = of_noldo(words)
        if arguments is not None:
            require_known(arguments)
        elif words and words[0] == "make":
            require_target(words[1:])
        elif words and words[0].startswith(".venv/bin/"):
            require_files(words)
        else:
            assert words[0] in PROGRAMS, f"{words[0]}: name it in documentation/shown_commands.py if it is no mistake"


def require_target(words: list[str]) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for word in words:
        name = word.partition("=")[0]
        kind = rf"\$\({name}\)" if "=" in word else rf"(?m)^{re.escape(name)}:"
        assert re.search(kind, makefile), f"make {word}"


def require_files(words: list[str]) -> None:
    for word in words[1:]:
        if re.match(r"(tests|containers|benchmarks)/", word):
            assert (ROOT / word).exists(), word


@pytest.mark.parametrize("one", [*(one for one in SHOWN if one.is_synopsis), *INLINE], ids=label)
def test_what_is_shown_of_a_command_is_known(one: Shown) -> None:
    """A synopsis, or a command named in the text: nothing need be whole, but all that is there exists."""
    known = {"--help", "-h", "--debug", "--version"}
    named: set[str] = set()
    for words in alternatives(looped(one.text)):
        if words[0] == "make":
            require_target(words[1:2])
            continue
        context, arguments = called(words[1:])
        known |= {name for option in context.command.params for name in (*option.opts, *option.secondary_opts)}
        named |= {word.partition("=")[0] for word in arguments if re.match(r"--?[a-z]", word)}
    assert named <= known, f"there is no {', '.join(named - known)}"


def test_every_class_of_commands_not_run_still_has_some() -> None:
    python = [block for block in all_blocks(ROOT) if block.language == "python"]
    texts = [one_line(one) for one in (*(one for one in SHOWN if not one.is_synopsis), *python)]
    for kind in read_list():
        for pattern in kind.patterns:
            assert any(re.search(pattern, text) for text in texts), f"no command fits '{pattern}' any more"
        missing = [file for file in (*kind.instead, *kind.pages) if not (ROOT / file).is_file()]
        assert not missing


def test_a_mistake_is_found(without_files: None) -> None:
    with pytest.raises(click.UsageError):
        require_known(shlex.split("build recipes/demo.yaml --outt runs/demo --out runs/demo"))
    with pytest.raises(AssertionError):
        require_known(shlex.split("build recipes/none.yaml --out runs/demo"))
    with pytest.raises(Exception, match=r"unknown key 'sample\.cuont'"):
        require_known(shlex.split("build recipes/demo.yaml --out runs/demo --set sample.cuont=3"))
    with pytest.raises(AssertionError):
        require_target(["demonstration"])
