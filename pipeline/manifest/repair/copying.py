"""Files put in their place only once they have the checksum that is listed; nobody sees one half written."""

import contextlib
import glob
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pipeline.files import is_local, is_storage_error, make_folder, storage_reason
from pipeline.schema.paths import AnyPath

BLOCK_BYTES: Final = 8 * 2**20

TEMPORARY: Final = "repair"
"""What is being written is called .FILE.repair-PROCESS: a dot keeps it from counting as published."""


class UnreadError(Exception):
    """A file that is to be read cannot be; says why in one line."""


class _OtherContentError(Exception):
    """The bytes that came are not those that were listed."""


def sha256_of(path: AnyPath) -> str | None:
    """The SHA-256 of a file in hexadecimal, None where there is none or it cannot be read."""
    digest = hashlib.sha256()
    try:
        for block in _blocks(path):
            digest.update(block)
    except UnreadError:
        return None
    return digest.hexdigest()


def copy_checked(source: AnyPath, target: AnyPath, sha256: str, *, dry_run: bool = False) -> str | None:
    """Put a copy of `source` in the place of `target` where it has that SHA-256; else why not, in one line.

    In a dry run the source is read and nothing is written.
    """
    digest = hashlib.sha256()
    try:
        with _replacing(target) if not dry_run else contextlib.nullcontext() as file:
            for block in _blocks(source):
                digest.update(block)
                if file is not None:
                    file.write(block)
            if digest.hexdigest() != sha256:
                raise _OtherContentError
    except _OtherContentError:
        return "the source's is another than listed"
    except UnreadError as error:
        return str(error)
    return None


def put_bytes(target: AnyPath, data: bytes) -> None:
    """Put a file's new content in its place at once."""
    with _replacing(target) as file:
        file.write(data)


@contextmanager
def _replacing(target: AnyPath) -> Iterator[Any]:
    """A file to write, which takes the place of `target` where nothing is raised."""
    if not is_local(target):
        # An object is replaced by one put: until then its content lies on this machine.
        with tempfile.TemporaryDirectory(prefix="noldo-") as folder:
            waiting = Path(folder) / "object"
            with waiting.open("wb") as file:
                yield file
            target.fs.put_file(str(waiting), target.path)
        return
    make_folder(target.parent)
    for left in target.parent.glob(f".{glob.escape(target.name)}.{TEMPORARY}-[0-9]*"):
        left.unlink(missing_ok=True)  # by a repair that was killed
    temporary = target.with_name(f".{target.name}.{TEMPORARY}-{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _blocks(path: AnyPath) -> Iterator[bytes]:
    try:
        with path.open("rb") if is_local(path) else path.fs.open(path.path, "rb", block_size=BLOCK_BYTES) as file:
            while block := file.read(BLOCK_BYTES):
                yield block
    except Exception as error:
        if not isinstance(error, OSError) and not is_storage_error(error):
            raise
        absent = isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError)
        why = "the source has no such file" if absent else f"the source's cannot be read ({storage_reason(error)})"
        raise UnreadError(why) from error
