"""Folders and buckets are tried, and left as they were."""

import fcntl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from pipeline.doctor import Health, folders
from pipeline.doctor.folders import check_object_storage, check_out, check_store
from pipeline.files import open_path
from pipeline.schema.paths import AnyPath


def store_at(path: Path) -> Path:
    group = zarr.open_group(path, mode="w")
    group.create_array("dw", data=np.ones((3, 4), np.uint8), chunks=(1, 4))
    return path


def test_a_folder_that_is_to_be(tmp_path: Path) -> None:
    found = check_out(tmp_path / "not" / "yet")
    assert found.health is Health.OK
    assert str(tmp_path) in found.found
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = check_out(tmp_path / "file" / "run")
    assert (found.health, found.found) == (Health.PROBLEM, f"{tmp_path / 'file'} is a file")


def test_a_folder_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(folders.tempfile, "TemporaryFile", refuse)
    found = check_out(tmp_path)
    assert found.health is Health.PROBLEM
    assert "Permission denied" in found.found


def test_a_disk_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    found = check_out(tmp_path)
    assert found.health is Health.PROBLEM
    assert "cannot be locked" in found.found


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        free = 10**8

    monkeypatch.setattr(folders.shutil, "disk_usage", lambda _: Full)
    found = check_out(tmp_path)
    assert found.health is Health.PROBLEM
    assert found.found.startswith("0.1 GB free")


def test_a_bucket(bucket: Callable[[], AnyPath]) -> None:
    folder = bucket()
    found = check_out(folder)
    assert "written, read, listed and removed" in found.found
    assert list(folder.parent.rglob("*")) == []


def test_a_bucket_without_conditional_puts(bucket: Callable[[], AnyPath], monkeypatch: pytest.MonkeyPatch) -> None:
    def always(path: AnyPath, data: bytes) -> bool:
        path.write_bytes(data)
        return True

    monkeypatch.setattr(folders, "write_new", always)
    found = check_out(bucket())
    assert found.health is Health.NOTE
    assert "one build" in found.advice


def test_a_bucket_that_is_not_there(object_storage: str) -> None:
    found = check_out(open_path("s3://no-such-bucket-here/run"))
    assert found.health is Health.PROBLEM
    assert "AWS_ENDPOINT_URL" in found.advice


def test_without_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_object_storage().health is Health.OK
    monkeypatch.setattr(folders.importlib.util, "find_spec", lambda _: None)
    found = check_object_storage()
    assert (found.health, found.found) == (Health.NOTE, "not installed: s3fs, gcsfs")


def healths(found: Sequence[Any]) -> list[Health]:
    return [each.health for each in found]


def test_stores_of_a_run_are_read(tmp_path: Path) -> None:
    store_at(tmp_path / "store" / "dw_test.zarr")
    store_at(tmp_path / "store" / "dw_train.zarr")
    found = check_store(tmp_path)
    assert healths(found) == [Health.OK, Health.OK]
    assert "3 rows of dw" in found[0].found
    assert healths(check_store(tmp_path / "store" / "dw_test.zarr")) == [Health.OK]


def test_a_damaged_chunk_is_found(tmp_path: Path) -> None:
    store = store_at(tmp_path / "store" / "nol.zarr")
    (store / "dw" / "c" / "0" / "0").write_bytes(b"no chunk")
    (found,) = check_store(tmp_path)
    assert found.health is Health.PROBLEM
    assert "noldo manifest verify" in found.advice


def test_no_store(tmp_path: Path, object_storage: str) -> None:
    assert healths(check_store(tmp_path)) == [Health.PROBLEM]
    assert healths(check_store(tmp_path / "absent.zarr")) == [Health.PROBLEM]
    assert healths(check_store(open_path("s3://no-such-bucket-here/run"))) == [Health.PROBLEM]


def test_a_store_whose_pixels_are_not_there(tmp_path: Path) -> None:
    """Zarr would give fill values for them."""
    store = store_at(tmp_path / "nol.zarr")
    (store / "dw" / "c" / "0" / "0").unlink()
    (found,) = check_store(store)
    assert found.health is Health.PROBLEM
    assert "dw/c/0/0 is not there" in found.found
    assert found.advice


def test_a_single_value_counts_as_one_row(tmp_path: Path) -> None:
    zarr.open_group(tmp_path / "own.zarr", mode="w").create_array("crs", data=np.array(3))
    (found,) = check_store(tmp_path / "own.zarr")
    assert (found.health, "1 row of crs" in found.found) == (Health.OK, True)
