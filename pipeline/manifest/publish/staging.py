"""Files are sent to where a release is to lie, and read back there."""

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from pipeline.files import file_sizes, is_local, make_folder, remove_files
from pipeline.manifest.checksums import BLOCK_BYTES, file_sha256
from pipeline.manifest.publish.release import Release, ReleaseFile
from pipeline.schema.errors import NoldoError
from pipeline.schema.paths import AnyPath

SENDERS: Final = 4
"""Files under way at once; s3fs holds some hundred megabytes of each."""

OnFile = Callable[[int, int, int], None]
"""(files settled, files in all, of those settled: there already)"""


def stage(release: Release, folder: AnyPath, on_file: OnFile) -> int:
    """Put every file of a release under `folder`, in the release's order, and read each back there.

    What is there already with the right content stays. Returns how many files that were. Raises NoldoError where a
    file does not come back with the SHA-256 that is published for it.
    """
    there = file_sizes(folder)
    settled = reused = 0
    for phase in release.phases:
        senders = ThreadPoolExecutor(SENDERS)
        try:
            for was_there in senders.map(lambda file: _settle(file, folder, there.get(file.name)), phase):
                settled += 1
                reused += was_there
                on_file(settled, len(release.files), reused)
        finally:
            senders.shutdown(cancel_futures=True)
    return reused


def foreign_files(release: Release, folder: AnyPath) -> list[str]:
    """What lies under a folder that is no file of the release."""
    names = {file.name for file in release.files}
    return sorted(name for name in file_sizes(folder) if name not in names)


def is_whole(release: Release, folder: AnyPath, files: Sequence[ReleaseFile] | None = None) -> bool:
    """Whether a folder holds a release's files, byte for byte, and no other."""
    there = file_sizes(folder)
    files = release.files if files is None else files
    if there != {file.name: file.bytes for file in files}:
        return False
    with ThreadPoolExecutor(SENDERS) as readers:
        return all(readers.map(lambda file: file_sha256(folder / file.name) == file.sha256, files))


def clear_foreign(release: Release, folder: Path) -> None:
    """Remove what is no file of the release from a folder of ours, and the folders that it leaves empty."""
    foreign = foreign_files(release, folder)
    if foreign:
        remove_files(folder / name for name in foreign)
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def sync_folders(folder: Path) -> None:
    """Have the names of all files under a folder written out, as their content is."""
    for path in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        sync_folder(path)


def sync_folder(folder: Path) -> None:
    """Have the names of a folder's files written out."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _settle(file: ReleaseFile, folder: AnyPath, bytes_there: int | None) -> bool:
    """Send a file unless it is there, and read it back; whether it was there."""
    where = folder / file.name
    if bytes_there == file.bytes and file_sha256(where) == file.sha256:
        return True
    _send(file.source, where)
    if file_sha256(where) == file.sha256:
        return False
    if file_sha256(file.source) != file.sha256:
        raise NoldoError(f"{file.source} changed while it was published; verify the data set and publish again")
    raise NoldoError(f"{where} does not read back as it was sent; see to the storage, then publish again")


def _send(source: AnyPath, where: AnyPath) -> None:
    if is_local(where):
        _copy(source, where)
    elif is_local(source):
        where.fs.put_file(str(source), where.path)
    else:
        with tempfile.TemporaryDirectory() as folder:
            kept = str(Path(folder) / "file")
            source.fs.get_file(source.path, kept)
            where.fs.put_file(kept, where.path)


def _copy(source: AnyPath, where: Path) -> None:
    """Write a file out to the disk before it has its name."""
    make_folder(where.parent)
    temporary = where.with_name(f".{where.name}.tmp")
    with source.open("rb") as read, temporary.open("wb") as written:
        shutil.copyfileobj(read, written, BLOCK_BYTES)
        written.flush()
        os.fsync(written.fileno())
    temporary.replace(where)
