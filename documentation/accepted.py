"""Whether a command that a page shows would be taken by its program: held against the program's own parser, not run."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import click
from distributed.cli.dask_scheduler import main as dask_scheduler
from distributed.cli.dask_worker import main as dask_worker

from documentation.recipe_files import read_by
from documentation.recipe_keys import RECIPES
from documentation.shown_commands import PROGRAMS
from pipeline.cli.main import noldo
from pipeline.recipe import read_yaml
from pipeline.schema.strict import validated

DASK: Final[dict[str, click.Command]] = {"scheduler": dask_scheduler, "worker": dask_worker}

OWN_FOLDERS: Final = re.compile(r"^(tests|containers|benchmarks)/")


def require_accepted(words: Sequence[str], root: Path) -> None:
    """Raise ValueError, or what click and the settings raise, where a command is none that its program would take.

    Programs that are not ours, nor Dask's, need only be known by name: what they take is not looked at.
    """
    program, *rest = words
    if program.startswith(".venv/bin/"):
        _require_files(rest, root)
    elif program in CHECKS:
        CHECKS[program](rest, root)
    elif program not in PROGRAMS:
        raise ValueError(f"{program}: name it in documentation/shown_commands.py if it is no mistake")


def require_in_image(words: Sequence[str], root: Path) -> None:
    """The same of the arguments of our image, whose entry point is noldo unless they name a program that it knows."""
    known = words[0] in (*CHECKS, "tensorboard", "python", "sh", "bash")
    require_accepted(words if known else ["noldo", *words], root)


def called(words: Sequence[str]) -> tuple[click.Context, list[str]]:
    """The command of noldo that words call, and its own arguments."""
    left = list(words)
    context = click.Context(noldo, info_name="noldo")
    command: click.Command = noldo
    while isinstance(command, click.Group) and left and not left[0].startswith("-"):
        name, below, left = command.resolve_command(context, left)
        if below is None:
            raise ValueError(f"noldo has no command '{name}'")
        command, context = below, click.Context(below, parent=context, info_name=name)
    return context, left


def require_target(words: Sequence[str], root: Path) -> None:
    """Targets of make, and variables that its file reads."""
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    for word in words:
        name = word.partition("=")[0]
        kind = rf"\$\({name}\)" if "=" in word else rf"(?m)^{re.escape(name)}:"
        if not re.search(kind, makefile):
            raise ValueError(f"make knows no {word}")


def _require_noldo(words: Sequence[str], root: Path) -> None:
    """Command, options and their values are known, recipes are there, and `--set` names keys that they have."""
    context, arguments = called(words)
    recipes = [word for word in words if word.startswith("recipes/")]
    if missing := [recipe for recipe in recipes if not (root / recipe).is_file()]:
        raise ValueError(f"{missing[0]} is not there")
    with patch.object(click.Path, "convert", _any_path):
        taken = [word for word in arguments if word != "--debug"]
        made = context.command.make_context(context.info_name, taken, context.parent)
    settings = made.params.get("settings", ())
    if recipes and settings:
        _require_settings(root / recipes[0], settings)


def _require_settings(recipe: Path, settings: Sequence[str]) -> None:
    model, section = RECIPES[read_by(read_yaml(recipe))[1]]
    raw: dict[str, Any] = read_yaml(recipe, settings)
    validated(model, raw[section] if section else raw, str(recipe))


def _any_path(_: click.Path, value: Any, *_param_and_context: Any) -> Path:
    """In the place of click.Path.convert: what an example reads need not be here."""
    return Path(value)


def _require_torchrun(words: Sequence[str], root: Path) -> None:
    require_accepted(list(words)[list(words).index("--no-python") + 1 :], root)


def _require_train(words: Sequence[str], root: Path) -> None:
    """The images' second entry point: arguments of noldo pretrain."""
    _require_noldo(["pretrain", *words], root)


def _require_dask(words: Sequence[str], _: Path) -> None:
    DASK[words[0]].make_context(words[0], list(words[1:]), ignore_unknown_options=False)


def _require_docker(words: Sequence[str], root: Path) -> None:
    at = next((at for at, word in enumerate(words) if word.startswith("noldo:")), len(words))
    inner = list(words[at + 1 :])
    if words[0] == "run" and inner:
        require_in_image(["train", *inner] if "train" in words[:at] else inner, root)


def _require_srun(words: Sequence[str], root: Path) -> None:
    require_accepted(words, root)


def _require_files(words: Sequence[str], root: Path) -> None:
    if missing := [word for word in words if OWN_FOLDERS.match(word) and not (root / word).exists()]:
        raise ValueError(f"{missing[0]} is not there")


CHECKS: Final[dict[str, Callable[[Sequence[str], Path], None]]] = {
    "noldo": _require_noldo,
    "make": require_target,
    "torchrun": _require_torchrun,
    "train": _require_train,
    "dask": _require_dask,
    "docker": _require_docker,
    "srun": _require_srun,
}
