"""Whole arrays take the place of others in the group of added labels, by renaming.

What is to be renamed is written down first, so that a stop between two renames leaves nothing that cannot be finished.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pipeline.schema.layout import ADDED_LABELS
from training.json_file import read_json, write_json

PLAN: Final = "placing.json"
"""In the folder of new arrays once all of them are whole: the names of these, and of what goes away with them."""

AWAY: Final = "replaced"
"""Beside it: the arrays that went away."""


def partial_folder(store: Path, name: str, key: str) -> Path:
    """Where arrays lie until they are put in place; `name`: of the first. `key` tells what decides their values."""
    return store / ADDED_LABELS / f".{name}.{key}.partial"


def put_in_place(folder: Path, names: Sequence[str], replaces: Sequence[str]) -> None:
    """Rename arrays from such a folder into the group that it lies in, instead of those of their names and `replaces`.

    The first array, which stands for all, goes last and leaves first.
    """
    shutil.rmtree(folder / AWAY, ignore_errors=True)
    (folder / AWAY).mkdir()
    write_json(folder / PLAN, {"names": list(names), "replaces": [name for name in replaces if name not in names]})
    _finish(folder)


def finish_placing(store: Path, name: str) -> None:
    """Put in place what a call that was stopped between its renames left, where `name` is the first of its arrays."""
    for folder in (store / ADDED_LABELS).glob(partial_folder(store, name, "*").name):
        if (folder / PLAN).is_file():
            _finish(folder)


def _finish(folder: Path) -> None:
    """Make the renames that are still to be made: an array that lies in the folder is not in place yet."""
    plan = read_json(folder / PLAN)
    names, group = plan["names"], folder.parent
    if (folder / names[0]).exists():
        waiting = [name for name in names if (folder / name).exists()]
        for name in (*waiting, *plan["replaces"]):
            if (group / name).exists():
                (group / name).rename(folder / AWAY / name)
        for name in reversed(waiting):
            (folder / name).rename(group / name)
    shutil.rmtree(folder)
