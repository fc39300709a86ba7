"""Folders that are there whole or not at all.

On a disk a folder is written under another name and renamed. Object storage has no rename: there a folder is written
in its place and counts once its marker, beside it, is written; the marker goes first whenever the folder is to change.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.files import is_local, make_folder, remove, write_bytes
from pipeline.schema.paths import AnyPath


@contextmanager
def committed_folder(path: AnyPath, inputs: str | None = None) -> Iterator[AnyPath]:
    """Yield an empty folder to fill, which is `path` on success and gone on any failure.

    `inputs`, the digest of what the folder is made from, can be asked for with `folder_inputs`.
    """
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}") if is_local(path) else path
    remove(_marker(temporary))
    remove(temporary)
    make_folder(temporary)
    try:
        yield temporary
        _put_in_place(temporary, path, inputs)
    except BaseException:
        remove(temporary)
        raise


def folder_inputs(path: AnyPath) -> str | None:
    """The inputs digest that a committed folder was made from, or None where there is none."""
    if not path.is_dir():
        return None
    return _told(_marker(path))


@contextmanager
def begun_folder(path: AnyPath, inputs: str) -> Iterator[AnyPath]:
    """Yield an empty folder in which `path` is to be built up by many, for `begun_inputs` once it is prepared.

    What is at `path` may be lost by this in object storage; on a disk it stays until `finish_folder`.
    """
    building = building_folder(path)
    remove(_begun_marker(path))
    if building is path:
        remove(_marker(path))
    with committed_folder(building) as prepared:
        yield prepared
    write_bytes(_begun_marker(path), inputs.encode())


def begun_inputs(path: AnyPath) -> str | None:
    """The inputs digest for which the building of `path` was begun, or None where none was."""
    if not building_folder(path).is_dir():
        return None
    return _told(_begun_marker(path))


def forget_begun(path: AnyPath) -> None:
    """Give up what was begun for `path` and not finished; a committed folder there stays."""
    begun = begun_inputs(path)
    remove(_begun_marker(path))
    if is_local(path) or (begun is not None and folder_inputs(path) is None):
        remove(building_folder(path))


def building_folder(path: AnyPath) -> AnyPath:
    """Where `path` is built up: beside it on a disk, in its place in object storage."""
    return path.with_name(f"{path.name}.building") if is_local(path) else path


def finish_folder(path: AnyPath) -> None:
    """Give a folder that was begun its name; ValueError where none was."""
    inputs = begun_inputs(path)
    if inputs is None:
        raise ValueError(f"{path} was not begun")
    _put_in_place(building_folder(path), path, inputs)
    remove(_begun_marker(path))


def remove_folder(path: AnyPath) -> None:
    """Remove a folder, whether it was committed or only begun; nothing happens where there is none."""
    remove(_marker(path))
    remove(_begun_marker(path))
    remove(path)
    remove(building_folder(path))


def _put_in_place(new: AnyPath, path: AnyPath, inputs: str | None) -> None:
    """Rename `new` to `path`; what was at `path` is put aside by a rename and removed last."""
    remove(_marker(path))
    if not is_local(new) or not is_local(path):
        if inputs is not None:
            write_bytes(_marker(path), inputs.encode())
        return
    old = path.with_name(f"{path.name}.tmp-old-{os.getpid()}")
    if path.exists():
        path.rename(old)
    if inputs is not None:
        # Before the rename, which then is the commit: a marker without its folder says nothing.
        write_bytes(_marker(path), inputs.encode())
    new.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def _told(marker: AnyPath) -> str | None:
    """What a marker says, or None where there is none; another failure to read is not taken for that."""
    try:
        return marker.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return None


def _marker(path: AnyPath) -> AnyPath:
    # Beside the folder, because it is no part of what is published and Zarr warns of foreign files.
    return path.with_name(f".{path.name}.inputs")


def _begun_marker(path: AnyPath) -> AnyPath:
    return path.with_name(f".{path.name}.building.inputs")
