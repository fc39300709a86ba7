"""Commands on the pages are such as their programs would take, and the list of those not run is no older than they."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from documentation.accepted import called, require_accepted, require_target
from documentation.not_run import all_blocks, all_shown, one_line, read_list
from documentation.shown_commands import Shown, inline_commands, pages
from pipeline.schema.errors import UsageError

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


def alternatives(text: str) -> Iterator[list[str]]:
    """The commands that a synopsis stands for: brackets opened, a command for each of several names."""
    words = re.sub(r"[\[\]]", " ", text.replace("...", " ").replace(" | ", "|")).split()
    names = next((word for word in words[1:4] if "|" in word and word.islower()), None)
    for name in names.split("|") if names else [None]:
        yield [name if word == names and name else word for word in words]


@pytest.mark.parametrize("one", [one for one in SHOWN if not one.is_synopsis], ids=label)
def test_commands_would_be_taken(one: Shown) -> None:
    for words in Shown(one.block, looped(one.text)).simple():
        require_accepted(words, ROOT)


@pytest.mark.parametrize("one", [*(one for one in SHOWN if one.is_synopsis), *INLINE], ids=label)
def test_what_is_shown_of_a_command_is_known(one: Shown) -> None:
    """A synopsis, or a command named in the text: nothing need be whole, but all that is there exists."""
    known = {"--help", "-h", "--debug", "--version"}
    named: set[str] = set()
    for words in alternatives(looped(one.text)):
        if words[0] == "make":
            require_target(words[1:2], ROOT)
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


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("noldo build recipes/demo.yaml --outt runs/demo --out runs/demo", "--outt"),
        ("noldo build recipes/none.yaml --out runs/demo", r"none\.yaml is not there"),
        ("noldo build recipes/demo.yaml --out runs/demo --set sample.cuont=3", r"unknown key 'sample\.cuont'"),
        ("noldo build recipes/demo.yaml --out runs/demo --until packed", "packed"),
        ("noldo manifest verfy runs/demo", "verfy"),
        ("torchrun --nproc-per-node 2 --no-python noldo pretrain recipes/demo.yaml --out o", "store"),
        ("docker run noldo:cpu build recipes/demo.yaml", "out"),
        ("docker run --entrypoint train noldo:cuda recipes/demo.yaml --out o", "store"),
        ("dask scheduler --prot 1", "--prot"),
        ("srun dask worker --nworker", "--nworker"),
        ("make demonstration", "demonstration"),
        (".venv/bin/python -m pytest tests/ofline", "ofline"),
        ("nodlo plan a", "nodlo"),
    ],
)
def test_a_mistake_is_found(text: str, says: str) -> None:
    with pytest.raises((click.UsageError, ValueError, UsageError), match=says):
        require_accepted(shlex.split(text), ROOT)
