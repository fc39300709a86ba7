"""Folders that are there whole or not at all: written under another name, then renamed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

INPUTS_FILE: Final = ".noldo-inputs"
"""Beside a folder's content, not part of it: digest of the inputs and parameters that made the folder."""


@contextmanager
def committed_folder(path: Path, inputs: str | None = None) -> Iterator[Path]:
    """Yield an empty folder beside `path` that takes its place on success and is removed on any failure.

    `inputs` is kept with the folder, to be asked for with `folder_inputs`.
    """
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        if inputs is not None:
            (temporary / INPUTS_FILE).write_text(inputs)
        replace_folder(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def replace_folder(new: Path, path: Path) -> None:
    """Rename `new` to `path`; what was at `path` is put aside by a rename and removed last."""
    old = path.with_name(f"{path.name}.tmp-old-{os.getpid()}")
    if path.exists():
        path.rename(old)
    new.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def folder_inputs(path: Path) -> str | None:
    """The inputs digest that a committed folder was made from, or None where there is none."""
    try:
        return (path / INPUTS_FILE).read_text()
    except OSError:
        return None
