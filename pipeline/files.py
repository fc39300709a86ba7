"""Files of a run, on a disk or in object storage, behind the same few functions.

Object storage knows whole objects only: a put is atomic and seen by all at once (Amazon S3 user guide, "Amazon S3 data
consistency model"; Cloud Storage, "Consistency"), but there is no rename and no folder. What is said here of gs://
takes the same way as s3://, which is the one that the tests can run.
"""

import contextlib
import errno
import importlib.util
import os
import posixpath
import re
import shutil
import stat
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import fsspec
from typing_extensions import TypeIs
from upath import UPath

from pipeline.schema.errors import UsageError
from pipeline.schema.paths import AnyPath

if TYPE_CHECKING:
    from zarr.storage import FsspecStore

SCHEMES: Final = {"s3": "s3fs", "gs": "gcsfs"}
"""Object storage by scheme, and the package that each needs."""

WEB: Final = ("http", "https")
"""Schemes that only `open_published` takes: a plain web server's files can be read, but neither listed nor written."""

_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "s3": {"config_kwargs": {"connect_timeout": 10, "read_timeout": 60, "retries": {"mode": "standard"}}},
    "gs": {"timeout": 60},
}
"""Time-outs in seconds: without them a host that does not answer is waited for five minutes."""

_LIBRARIES: Final = frozenset({"aiobotocore", "aiohttp", "botocore", "fsspec", "gcsfs", "google", "s3fs"})
"""Packages whose own exceptions mean that object storage could not be had."""

PRECONDITION_FAILED: Final = (412, "412")
"""What gcsfs gives as the code of its error where a conditional put came second."""

_WITHOUT_LINKS: Final = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)
"""What link(2) says on file systems that know no hard links, such as exFAT."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def open_path(text: str | Path) -> AnyPath:
    """The path that a user named: a Path, or a UPath for s3:// and gs://.

    Raises UsageError for another scheme, a URL without a bucket, or a missing package.
    """
    found = _SCHEME.match(str(text))
    if found is None:
        return Path(text)
    scheme = found[1].lower()
    if scheme not in SCHEMES:
        known = ", ".join(f"{name}://" for name in SCHEMES)
        raise UsageError(f"{text}: {scheme}:// is not known; give a folder or one of {known}")
    within = str(text)[found.end() :].strip("/")
    if not within:
        raise UsageError(f"{text} names no bucket; write {scheme}://BUCKET/FOLDER")
    if importlib.util.find_spec(SCHEMES[scheme]) is None:
        raise UsageError(f"{text} needs the package {SCHEMES[scheme]}; run pip install 'noldo[cloud]'")
    # Other processes write the same run: what was listed a moment ago says nothing.
    options = {"use_listings_cache": False, **_OPTIONS[scheme]}
    return UPath(f"{scheme}://{within}", protocol=None, **options)


def open_published(text: str | Path) -> AnyPath:
    """The path of something to be read only: as `open_path`, or a UPath for http:// and https://."""
    found = _SCHEME.match(str(text))
    if found is None or found[1].lower() not in WEB:
        return open_path(text)
    if not str(text)[found.end() :].strip("/"):
        raise UsageError(f"{text} names no server; write {found[1]}://SERVER/FOLDER")
    if importlib.util.find_spec("aiohttp") is None:
        raise UsageError(f"{text} needs the package aiohttp; run pip install 'noldo[cloud]'")
    return UPath(str(text).rstrip("/"), protocol=None)


def can_list(path: AnyPath) -> bool:
    """Whether the files of a folder can be listed; a web server's cannot."""
    return is_local(path) or path.protocol not in WEB


def is_local(path: AnyPath) -> TypeIs[Path]:
    """Whether a path lies on a disk of this machine."""
    return isinstance(path, Path)


def make_folder(path: AnyPath) -> None:
    """Make a folder and those above it; object storage needs none."""
    if is_local(path):
        path.mkdir(parents=True, exist_ok=True)


def write_bytes(path: AnyPath, data: bytes) -> None:
    """Write a whole file at once: readers see the old content or the new, never a part."""
    if not is_local(path):
        path.fs.pipe_file(path.path, data)
        return
    make_folder(path.parent)
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        if error.errno is not None:  # a full disk does not say which
            error.filename = error.filename or str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def let_go(path: AnyPath) -> None:
    """Have the system write a file out, and keep none of it in memory that is written out already.

    Asked once, it begins to write; asked again later, it lets go. A hint (posix_fadvise(2)): nothing happens where the
    system knows none, or where the file has gone.
    """
    if not is_local(path) or not hasattr(os, "posix_fadvise"):
        return
    with contextlib.suppress(OSError), path.open("rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def write_new(path: AnyPath, data: bytes) -> bool:
    """Write a whole file where there is none; False where there is one.

    Of two that write at once one only gets True, if the service knows conditional puts; see pipeline/object_lock.py.
    """
    if is_local(path):
        return _write_new_on_disk(path, data)
    try:
        path.fs.pipe_file(path.path, data, mode="create")
    except Exception as error:
        if isinstance(error, FileExistsError) or getattr(error, "code", None) in PRECONDITION_FAILED:
            return False
        if "NotImplemented" not in f"{type(error).__name__} {error}":
            raise
        if is_file(path):
            return False
        path.fs.pipe_file(path.path, data)
    return True


def _write_new_on_disk(path: Path, data: bytes) -> bool:
    """Give a file that is written out its name; a link, unlike a rename, replaces none."""
    temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(temporary)
        except OSError as error:
            if error.errno not in _WITHOUT_LINKS:
                raise
            with path.open("xb") as file:
                try:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                except OSError:  # a part would stand for the whole
                    path.unlink()
                    raise
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def remove(path: AnyPath) -> None:
    """Remove a file or a whole folder; nothing happens where there is none."""
    if not is_local(path):
        gone = list(path.fs.find(path.path))
        if gone:
            path.fs.rm(gone)
    elif path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def empty_files(paths: Iterable[AnyPath]) -> None:
    """Write files without content, in place of what they hold; in object storage many at once."""
    remote: dict[Any, list[str]] = defaultdict(list)
    for path in paths:
        if is_local(path):
            write_bytes(path, b"")
        else:
            remote[path.fs].append(path.path)
    for service, found in remote.items():
        service.pipe(dict.fromkeys(found, b""))


def remove_files(paths: Iterable[AnyPath]) -> None:
    """Remove files of one folder; those that are not there are passed over. In object storage many at once."""
    remote: dict[Any, list[str]] = defaultdict(list)
    for path in paths:
        if is_local(path):
            path.unlink(missing_ok=True)
        else:
            remote[path.fs].append(path.path)
    for service, found in remote.items():
        gone = set(found).intersection(service.find(posixpath.commonpath(found)))
        if gone:
            service.rm(sorted(gone))


def is_file(path: AnyPath) -> bool:
    """Whether a file is there. UPath.is_file says no where object storage cannot be reached; this raises."""
    if is_local(path):
        return path.is_file()
    try:
        return bool(path.fs.info(path.path)["type"] == "file")
    except FileNotFoundError:
        return False


def listed(folder: AnyPath, pattern: str) -> list[AnyPath]:
    """What of a folder matches a pattern, by name; empty where there is no such folder."""
    return sorted(folder.glob(pattern), key=str)


def file_sizes(folder: AnyPath) -> dict[str, int]:
    """Bytes of every file under a folder, by its path relative to that folder with forward slashes."""
    if is_local(folder):
        sizes = {}
        for path in folder.rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # removed by another worker since it was listed
                about = path.stat()
                if stat.S_ISREG(about.st_mode):
                    sizes[path.relative_to(folder).as_posix()] = about.st_size
        return sizes
    found: dict[str, dict[str, Any]] = folder.fs.find(folder.path, detail=True)
    start = len(folder.path.rstrip("/")) + 1
    return {name[start:]: int(info["size"]) for name, info in found.items() if len(name) > start}


def zarr_store(path: AnyPath) -> "Path | FsspecStore":
    """What zarr.open_group and zarr.create_group take as the store at this path."""
    if is_local(path):
        return path
    from zarr.storage import FsspecStore  # a second of imports, which a command that reads no array is spared

    # Zarr awaits the requests on an event loop of its own, so the file system must not bring one.
    filesystem = fsspec.filesystem(path.protocol, asynchronous=True, **path.storage_options)
    return FsspecStore(filesystem, path=path.path)


def on_disk(path: AnyPath, what: str) -> Path:
    """A path that must be one of this machine; UsageError says that `what` works on a disk only."""
    if not is_local(path):
        raise UsageError(f"{path}: {what} works on a disk only; copy it to one first")
    return path


def is_storage_error(error: BaseException) -> bool:
    """Whether an exception is one of the object storage's libraries that is no OSError."""
    return not isinstance(error, OSError) and type(error).__module__.partition(".")[0] in _LIBRARIES


def storage_reason(error: BaseException) -> str:
    """Why a file could not be had, in one line."""
    said = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    return str(said).splitlines()[0].rstrip(".")
