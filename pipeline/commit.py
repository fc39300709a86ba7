"""Folders that are there whole or not at all: written under another name, then renamed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def committed_folder(path: Path, inputs: str | None = None) -> Iterator[Path]:
    """Yield an empty folder beside `path` that takes its place on success and is removed on any failure.

    `inputs`, the digest of what the folder is made from, can be asked for with `folder_inputs`.
    """
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        replace_folder(temporary, path, inputs)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def replace_folder(new: Path, path: Path, inputs: str | None) -> None:
    """Rename `new` to `path`; what was at `path` is put aside by a rename and removed last."""
    old = path.with_name(f"{path.name}.tmp-old-{os.getpid()}")
    # A build killed between the next lines finds a folder of unknown inputs, and makes it again.
    _inputs_file(path).unlink(missing_ok=True)
    if path.exists():
        path.rename(old)
    new.rename(path)
    if inputs is not None:
        _inputs_file(path).write_text(inputs)
    _inputs_file(new).unlink(missing_ok=True)
    shutil.rmtree(old, ignore_errors=True)


def folder_inputs(path: Path) -> str | None:
    """The inputs digest that a committed folder was made from, or None where there is none."""
    if not path.is_dir():
        return None
    try:
        return _inputs_file(path).read_text()
    except OSError:
        return None


def _inputs_file(path: Path) -> Path:
    # Beside the folder, because it is no part of what is published and Zarr warns of foreign files.
    return path.with_name(f".{path.name}.inputs")
