"""One publisher at a time of one version in one place."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pipeline.files import is_local, storage_reason
from pipeline.object_lock import LockWords, Tell, object_lock
from pipeline.schema.errors import UsageError
from pipeline.schema.paths import AnyPath

_WORDS: Final = LockWords(holder="publisher", otherwise="give another target")


@contextmanager
def publishing(target: AnyPath, version: str, tell: Tell) -> Iterator[None]:
    """Hold `version` in `target`; UsageError where it cannot be written to or another publishes that version there."""
    if is_local(target):
        with _file_lock(target, version):
            yield
    else:
        with object_lock(target / f".{version}.partial", tell, words=_WORDS):
            yield


@contextmanager
def _file_lock(target: Path, version: str) -> Iterator[None]:
    """Hold a version in a folder on a disk; the system lets go of it when the process dies."""
    try:
        target.mkdir(parents=True, exist_ok=True)
        lock = (target / f".{version}.lock").open("w")
    except OSError as error:
        raise UsageError(f"cannot write to {target}: {storage_reason(error)}; {_WORDS.otherwise}") from error
    path = Path(lock.name)
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            ours = os.path.samestat(os.fstat(lock.fileno()), path.stat())  # not one that its owner removed meanwhile
        except OSError:
            ours = False
        if not ours:
            raise UsageError(f"another publisher is at work on {version} in {target}; wait for it")
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
