"""Where a data set will be written, and stores that are to be read: tried, not guessed."""

import contextlib
import fcntl
import importlib.util
import shutil
import tempfile
import uuid
from pathlib import Path
from typing import Any, Final

from upath import UPath

from pipeline.doctor.finding import Finding, Health
from pipeline.files import (
    SCHEMES,
    is_file,
    is_local,
    is_storage_error,
    listed,
    remove,
    storage_reason,
    write_new,
    zarr_store,
)
from pipeline.schema.paths import AnyPath

DEMO_DISK_GB: Final = 0.9
"""What runs/demo takes, `du -sh runs/demo`."""

ACCESS_ADVICE: Final = {
    "s3": (
        "check the bucket's name, the AWS credentials (AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), "
        "and AWS_ENDPOINT_URL for a service that is not Amazon's"
    ),
    "gs": "check the bucket's name; run 'gcloud auth application-default login' or set GOOGLE_APPLICATION_CREDENTIALS",
}


def check_out(folder: AnyPath) -> Finding:
    """Whether a build could be written to `folder`; nothing is left there."""
    return _disk(folder) if is_local(folder) else _bucket(folder)


def check_object_storage() -> Finding:
    """Whether the packages for s3:// and gs:// are there."""
    lacking = [package for package in SCHEMES.values() if importlib.util.find_spec(package) is None]
    if lacking:
        advice = "to use s3:// or gs://, run pip install 'noldo[cloud]'"
        return Finding("Object storage", Health.NOTE, f"not installed: {', '.join(lacking)}", advice)
    schemes = " and ".join(f"{scheme}://" for scheme in SCHEMES)
    return Finding(
        "Object storage", Health.OK, f"packages for {schemes} are there; --out s3://BUCKET/RUN tries a bucket"
    )


def check_store(named: AnyPath) -> list[Finding]:
    """Whether the store that `named` is, or the stores of that run directory, can be opened and read."""
    if named.suffix == ".zarr":
        return [_store(named)]
    try:
        stores = listed(named / "store", "*.zarr")
    except Exception as error:
        if not isinstance(error, OSError) and not is_storage_error(error):
            raise
        return [Finding("Store", Health.PROBLEM, f"{named}: {storage_reason(error)}", _read_advice(named))]
    if not stores:
        advice = "name the folder that was given to 'noldo build --out', or a .zarr itself"
        return [Finding("Store", Health.PROBLEM, f"no *.zarr in {named / 'store'}", advice)]
    return [_store(store) for store in stores]


def _disk(folder: Path) -> Finding:
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    if not there.is_dir():
        return Finding("Disk", Health.PROBLEM, f"{there} is a file", "give --out a folder")
    try:
        free_gb = shutil.disk_usage(there).free / 1e9
        with tempfile.TemporaryFile(dir=there) as tried:
            tried.write(b"noldo")
            tried.flush()
            locks = _locks(tried)
    except OSError as error:
        advice = "make room or get access there, or give another --out"
        return Finding("Disk", Health.PROBLEM, f"cannot write to {there}: {error.strerror or error}", advice)
    found = f"{free_gb:.1f} GB free at {there}"
    if not locks:
        advice = "two builds could not keep out of each other's way there: give an --out on another disk"
        return Finding("Disk", Health.PROBLEM, f"{found}, but files there cannot be locked", advice)
    if free_gb < DEMO_DISK_GB:
        return Finding(
            "Disk", Health.PROBLEM, found, f"the demo takes {DEMO_DISK_GB} GB: make room, or give another --out"
        )
    return Finding(
        "Disk", Health.OK, f"{found}; the demo takes {DEMO_DISK_GB} GB, 'noldo plan RECIPE' says what others take"
    )


def _locks(file: Any) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _bucket(folder: UPath) -> Finding:
    """Write, read, list and remove an object below `folder`, and see whether a second put of it is refused."""
    tried = folder / f".noldo-doctor-{uuid.uuid4().hex}"
    try:
        write_new(tried, b"noldo")
        again = write_new(tried, b"noldo")
        whole = tried.read_bytes() == b"noldo" and tried in listed(folder, tried.name)
        remove(tried)
    except Exception as error:
        if not isinstance(error, OSError) and not is_storage_error(error):
            raise
        with contextlib.suppress(Exception):
            remove(tried)
        found = f"{folder} cannot be used: {storage_reason(error)}"
        return Finding("Object storage", Health.PROBLEM, found, _access_advice(folder))
    if not whole:
        advice = "a build needs a service on which what was written can be read and listed at once"
        return Finding(
            "Object storage", Health.PROBLEM, f"{folder}: an object was not there once it was written", advice
        )
    found = f"{folder}: an object was written, read, listed and removed"
    if again:
        advice = "this service knows no conditional puts: see to it yourself that only one build writes there at a time"
        return Finding("Object storage", Health.NOTE, found, advice)
    return Finding("Object storage", Health.OK, found)


def _store(store: AnyPath) -> Finding:
    import zarr

    try:
        group = zarr.open_group(zarr_store(store), mode="r")
        arrays: dict[str, Any] = dict(group.arrays())
        # Zarr reads a chunk that is not there as one of fill values.
        chunks = {name: f"{name}/{one.metadata.encode_chunk_key((0,) * one.ndim)}" for name, one in arrays.items()}
        missing = [chunk for chunk in chunks.values() if not is_file(store / chunk)]
        for array in () if missing else arrays.values():
            array[(0,) * array.ndim]
    except Exception as error:  # noqa: BLE001 - codecs, zarr and storage each fail in their own ways, all are the finding
        return Finding("Store", Health.PROBLEM, f"{store} cannot be read: {storage_reason(error)}", _read_advice(store))
    if not arrays:
        return Finding("Store", Health.PROBLEM, f"{store} holds no arrays", "run the build again to finish it")
    if missing:
        found = f"{store} lacks pixels: {missing[0]} is not there"
        return Finding("Store", Health.PROBLEM, found, "run the build again to finish it, or restore it from a copy")
    rows = max(array.shape[0] if array.ndim else 1 for array in arrays.values())
    return Finding(
        "Store",
        Health.OK,
        f"{store}: {rows} row{'s' * (rows != 1)} of {', '.join(sorted(arrays))}; a chunk of each was read",
    )


def _access_advice(path: UPath) -> str:
    return ACCESS_ADVICE[path.protocol]


def _read_advice(path: AnyPath) -> str:
    if is_local(path):
        return "check the name and the rights; 'noldo manifest verify DIRECTORY' says what is damaged"
    return _access_advice(path)
