"""Archives read as they stream by, never unpacked: what could leave the archive or run anything is refused.

What can go wrong with archives of unknown origin follows PEP 706 (filters of tarfile) and the zipfile documentation,
'Decompression pitfalls'.
"""

import bz2
import gzip
import lzma
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from pipeline.importers.split_file import SplitFile, split_parts
from pipeline.schema.errors import NoldoError, UsageError

MAX_MEMBER_BYTES: Final = 4 * 2**30
"""The largest single file of the published sets has 0.5 GB."""

MAX_RATIO: Final = 1100.0
"""Decoded bytes for one of the archive: deflate itself reaches 1032 (zlib, 'Technical Details')."""

MAX_MEMBERS: Final = 50_000_000
"""SSL4EO-S12 v1 has 251,079 x 4 x 14 files a sensor."""

BLOCK_BYTES: Final = 2**20
"""Read of a compressed tar at a time."""

BROKEN: Final = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    ValueError,
    OSError,
    NotImplementedError,
    RuntimeError,
)
"""What the standard library raises for an archive that is cut short, changed, or packed in a way it does not know."""

_ARCHIVE: Final = re.compile(r"\.(zip|tgz|tar|tar\.(gz|bz2|xz))(\.part[a-z]{2,})?$", re.IGNORECASE)
_COMPRESSED: Final[dict[bytes, Callable[[Any], Any]]] = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}
"""By how files begin. What tarfile itself decodes as a stream has no checksum compared."""
_PICKLE: Final = re.compile(r"\.(pkl|pickle|mdb|lmdb|joblib)", re.IGNORECASE)


class UnsafeArchiveError(NoldoError):
    """An archive that holds what no data set needs: nothing of it is to be trusted."""


class DamagedArchiveError(NoldoError):
    """An archive that is cut short or changed; what was read of it before is whole."""


@dataclass(frozen=True)
class Entry:
    """One file of an archive or a folder."""

    name: str
    """Relative path with forward slashes, within the archive."""
    size: int
    """Bytes, decoded."""
    read: Callable[[], bytes]
    """All of the file, or DamagedArchiveError; of an archive, until the next entry is asked for."""


def entries(source: Path, wanted: Callable[[str], bool] = lambda _: True) -> Iterator[Entry]:
    """Every wanted file of a folder, a tar (compressed or not, in one file or in .partaa, .partab, ...) or a zip.

    A folder is walked in order of its names, an archive once and in its own order. Raises UsageError where there is
    none, UnsafeArchiveError for a path that leads out, a link, a device, a wanted pickle, a name that comes twice or
    sizes beyond the limits, DamagedArchiveError where an archive is cut short or changed.
    """
    if source.is_dir():
        return _of_folder(source, wanted)
    if not source.is_file():
        raise UsageError(f"{source} is neither a folder nor a file; correct the path")
    return _of_zip(source, wanted) if _begins_as_zip(source) else _of_tar(source, wanted)


def _begins_as_zip(path: Path) -> bool:
    """Whether a file begins as zips do; that it ends like one may be because a tar holds one."""
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def is_archive(path: Path) -> bool:
    """Whether a file's name is that of a tar or a zip."""
    return _ARCHIVE.search(path.name) is not None and path.is_file()


def safe_name(name: str, archive: Path) -> str:
    """A member's name as a relative path with forward slashes; UnsafeArchiveError where it leads out of the archive."""
    absolute = name.startswith("/") or re.match(r"[A-Za-z]:", name) is not None
    if absolute or "\\" in name or "\0" in name or ".." in name.split("/"):
        raise UnsafeArchiveError(
            f"{archive} holds the path {name!r}, which leads out of it; fetch it from its publisher"
        )
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def refuse_lmdb(path: Path) -> None:
    """UsageError for an LMDB file, a folder of one, or a folder that holds one: their records are pickles."""
    inside = [*path.glob("*.mdb"), *path.glob("*.lmdb")] if path.is_dir() else []
    if inside or path.suffix in (".mdb", ".lmdb"):
        raise UsageError(
            f"{inside[0] if inside else path} is an LMDB file, whose records are Python pickles: reading them could "
            "run any program. Import the published tars or zips that it was made from"
        )


class ZipFolder:
    """A zip whose files are read by name, in any order; use as a context manager."""

    def __init__(self, path: Path) -> None:
        """Check every name and size in its directory; raises as `entries` does."""
        self._path = path
        if not zipfile.is_zipfile(path):
            raise DamagedArchiveError(f"{path} is no zip, or its end is missing; fetch it again")
        with _told(path):
            self._zip = zipfile.ZipFile(path)
        try:
            self._members = dict(_checked_members(self._zip, path))
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        """It is open already."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Close the file."""
        self._zip.close()

    def names(self) -> list[str]:
        """Every file's name, in the archive's order."""
        return list(self._members)

    def size(self, name: str) -> int:
        """Bytes of a file, decoded."""
        return self._members[name].file_size

    def read(self, name: str) -> bytes:
        """All of a file, its checksum compared; DamagedArchiveError where it does not read back."""
        _refuse_pickle(name, self._path)
        with _told(self._path):
            return self._zip.read(self._members[name])


def _of_folder(folder: Path, wanted: Callable[[str], bool]) -> Iterator[Entry]:
    for root, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted((*folders, *files)):
            path = Path(root) / name
            if path.is_symlink():
                raise UnsafeArchiveError(f"{path} is a link, which may lead anywhere; put there what it points to")
            relative = path.relative_to(folder).as_posix()
            if name in folders or not wanted(relative):
                continue
            _refuse_pickle(relative, folder)
            with _told(path):
                size = path.stat().st_size
            yield Entry(relative, size, lambda path=path: _read_file(path))  # type: ignore[misc]


def _read_file(path: Path) -> bytes:
    with _told(path):
        return path.read_bytes()


def _of_zip(path: Path, wanted: Callable[[str], bool]) -> Iterator[Entry]:
    with ZipFolder(path) as folder:
        for name in filter(wanted, folder.names()):
            _refuse_pickle(name, path)
            yield Entry(name, folder.size(name), lambda name=name: folder.read(name))  # type: ignore[misc]


def _of_tar(path: Path, wanted: Callable[[str], bool]) -> Iterator[Entry]:
    parts = split_parts(path)
    packed, unpacked = sum(part.stat().st_size for part in parts), 0
    seen: set[int] = set()
    with _opened_tar(path, parts) as tar:
        while (member := _next(tar, path)) is not None:
            name = safe_name(member.name, path)
            if member.isdir():
                continue
            unpacked += member.size
            _check_member(member, path)
            if unpacked > packed * MAX_RATIO + BLOCK_BYTES:
                raise UnsafeArchiveError(f"{path} unpacks to more than {MAX_RATIO:.0f} times its size")
            # By hash: the names of 14 million files would take gigabytes.
            _add_once(name, hash(name), seen, path)
            if wanted(name):
                _refuse_pickle(name, path)
                yield Entry(name, member.size, lambda member=member: _read(tar, member, path))  # type: ignore[misc]
            tar.members.clear()  # type: ignore[attr-defined]  # of millions of files, none is asked for again
        _compare_checksum(tar, path)


class _AsDecoded:
    """A stream for tarfile that gives what it has, so that all before a damaged place is read before it is told."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        """At most so many bytes; none at the end."""
        data: bytes = self._file.read1(size)
        return data


class _Header(tarfile.TarInfo):
    """A member's header. One that is missing or changed is damage, where tarfile takes it for the archive's end."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> Self:
        """Read the next one."""
        try:
            return super().fromtarfile(tar)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # the mark that stands at the end
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error


@contextmanager
def _opened_tar(path: Path, parts: list[Path]) -> Iterator[tarfile.TarFile]:
    with ExitStack() as stack:
        whole: Any = stack.enter_context(BufferedReader(SplitFile(parts), BLOCK_BYTES))
        with _told(path):
            reader = _COMPRESSED.get(whole.peek(2)[:2])
            if reader is not None:
                whole = stack.enter_context(reader(whole))
            stream: Any = _AsDecoded(whole)
            tar = stack.enter_context(tarfile.open(fileobj=stream, mode="r|", bufsize=BLOCK_BYTES, tarinfo=_Header))
        yield tar


def _next(tar: tarfile.TarFile, path: Path) -> tarfile.TarInfo | None:
    with _told(path):
        return tar.next()


def _compare_checksum(tar: tarfile.TarFile, path: Path) -> None:
    """Read what follows the end mark: a compressed file's checksum is compared at the file's end."""
    with _told(path):
        while tar.fileobj.read(BLOCK_BYTES):
            pass


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> bytes:
    with _told(path):
        file = tar.extractfile(member)
        data = b"" if file is None else file.read()
        if len(data) != member.size:
            raise EOFError(f"{member.name} ends early")
        return data


def _check_member(member: tarfile.TarInfo, path: Path) -> None:
    if not member.isreg():
        what = "link" if member.islnk() or member.issym() else "device"
        raise UnsafeArchiveError(
            f"{path} holds the {what} {member.name}, which no data set needs; fetch it from its publisher"
        )
    _check_size(member.name, member.size, path)


def _checked_members(archive: zipfile.ZipFile, path: Path) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    seen: set[str] = set()
    for info in archive.infolist():
        name = safe_name(info.filename, path)
        if info.is_dir():
            continue
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise UnsafeArchiveError(
                f"{path} holds the link or device {name}, which no data set needs; fetch it from its publisher"
            )
        if info.flag_bits & 1:
            raise UnsafeArchiveError(f"{path} is encrypted; unpack it with its password first")
        _check_size(name, info.file_size, path)
        if info.file_size > max(info.compress_size, 1) * MAX_RATIO:
            raise UnsafeArchiveError(f"{path}: {name} unpacks to more than {MAX_RATIO:.0f} times its size")
        _add_once(name, name, seen, path)
        yield name, info


def _add_once(name: str, key: Hashable, seen: set[Any], path: Path) -> None:
    if key in seen:
        raise UnsafeArchiveError(f"{path} holds {name} twice, and either may count; fetch it from its publisher")
    seen.add(key)
    if len(seen) > MAX_MEMBERS:
        raise UnsafeArchiveError(f"{path} holds more than {MAX_MEMBERS:,} files; fetch it from its publisher")


def _check_size(name: str, size: int, path: Path) -> None:
    if size > MAX_MEMBER_BYTES:
        raise UnsafeArchiveError(
            f"{path}: {name} has {size:,} bytes, more than the {MAX_MEMBER_BYTES:,} allowed; fetch it again"
        )


def _refuse_pickle(name: str, path: Path) -> None:
    if _PICKLE.fullmatch(Path(name).suffix):
        raise UnsafeArchiveError(
            f"{path}: {name} is a pickle or an LMDB file of pickles, which could run any program; "
            "fetch the archive from its publisher"
        )


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Tell damage in one plain line; what the archive itself is refused for passes."""
    try:
        yield
    except BROKEN as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DamagedArchiveError(f"{path} is cut short or damaged ({said}); fetch it again") from error
