import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zarr

from pipeline.files import (
    can_list,
    file_sizes,
    is_file,
    is_local,
    let_go,
    listed,
    make_folder,
    on_disk,
    open_path,
    open_published,
    remove,
    storage_reason,
    write_bytes,
    write_new,
    zarr_store,
)
from pipeline.schema.errors import UsageError
from pipeline.schema.paths import AnyPath


@pytest.fixture(params=["disk", "bucket"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> AnyPath:
    if request.param == "disk":
        return tmp_path / "run"
    bucket: Callable[[], AnyPath] = request.getfixturevalue("bucket")
    return bucket()


def test_written_listed_and_removed_is_seen_at_once(root: AnyPath) -> None:
    assert listed(root / "tables", "*") == []
    assert not (root / "tables" / "b.txt").exists()
    make_folder(root / "tables")
    write_bytes(root / "tables" / "b.txt", b"first")
    write_bytes(root / "tables" / "b.txt", b"second")
    write_bytes(root / "tables" / "a.txt", b"1")
    write_bytes(root / "tables" / ".a.inputs", b"2")
    assert (root / "tables" / "b.txt").read_bytes() == b"second"
    assert [path.name for path in listed(root / "tables", "*.txt")] == ["a.txt", "b.txt"]
    assert file_sizes(root) == {"tables/.a.inputs": 1, "tables/a.txt": 1, "tables/b.txt": 6}
    remove(root / "tables" / "b.txt")
    remove(root / "tables" / "b.txt")
    assert not (root / "tables" / "b.txt").exists()
    remove(root / "tables")
    assert file_sizes(root) == {}
    assert listed(root, "*") == []


def test_a_file_is_made_where_there_is_none(root: AnyPath) -> None:
    make_folder(root)
    assert write_new(root / "lock", b"first")
    assert not write_new(root / "lock", b"second")
    assert (root / "lock").read_bytes() == b"first"
    assert is_file(root / "lock")
    assert not is_file(root / "key")
    assert not is_file(root)


@pytest.mark.parametrize(("code", "made"), [(412, False), ("412", False), (None, True)])
def test_services_refuse_a_second_file_each_in_their_way(
    bucket: Callable[[], AnyPath], monkeypatch: pytest.MonkeyPatch, code: object, made: bool
) -> None:
    path = bucket() / "lock"
    put = path.fs.pipe_file

    class OtherError(Exception):
        def __init__(self) -> None:
            super().__init__("NotImplemented")
            self.code = code

    def pipe_file(where: str, data: bytes, mode: str = "overwrite") -> None:
        if mode == "create":
            raise OtherError
        put(where, data)

    monkeypatch.setattr(path.fs, "pipe_file", pipe_file)
    assert write_new(path, b"x") is made
    assert is_file(path) is made
    if made:  # a service that knows no conditional put overwrites nothing that is there
        assert not write_new(path, b"y")
        assert path.read_bytes() == b"x"


def test_a_file_that_cannot_be_written_whole_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []

    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "no hard links")

    def full(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_new(tmp_path / "1.0.0.json", b"{}")
    assert list(tmp_path.iterdir()) == []


def test_a_service_that_fails_is_no_missing_file(
    bucket: Callable[[], AnyPath], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bucket() / "lock"

    def info(where: str) -> None:
        raise PermissionError("Access Denied")

    monkeypatch.setattr(path.fs, "info", info)
    with pytest.raises(PermissionError):
        is_file(path)


def test_some_things_need_a_disk(tmp_path: Path) -> None:
    assert on_disk(tmp_path, "pretraining") == tmp_path
    with pytest.raises(UsageError, match="s3://bucket/run: pretraining works on a disk only; copy it"):
        on_disk(open_path("s3://bucket/run"), "pretraining")


def test_reasons_are_one_line() -> None:
    assert storage_reason(OSError(28, "No space left on device", "/x")) == "No space left on device"
    assert storage_reason(PermissionError("Access Denied.\nMore")) == "Access Denied"
    assert storage_reason(ValueError()) == "ValueError"


def test_a_zarr_group_is_written_read_and_removed(root: AnyPath) -> None:
    path = root / "nol.zarr"
    group = zarr.create_group(zarr_store(path), zarr_format=3, attributes={"inputs": "x"})
    values = np.arange(12, dtype=np.uint8).reshape(4, 3)
    group.create_array("dw", data=values, chunks=(1, 3))
    read = zarr.open_group(zarr_store(path), mode="r")
    assert read.attrs["inputs"] == "x"
    np.testing.assert_array_equal(np.asarray(read["dw"]), values)
    assert path.is_dir()
    remove(path)
    assert not path.exists()


def test_removing_a_folder_leaves_its_neighbour_of_a_longer_name(root: AnyPath) -> None:
    write_bytes(root / "part" / "x", b"1")
    write_bytes(root / "part-2" / "x", b"1")
    remove(root / "part")
    assert list(file_sizes(root)) == ["part-2/x"]


def test_a_link_is_removed_not_what_it_leads_to(tmp_path: Path) -> None:
    write_bytes(tmp_path / "kept" / "x", b"1")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    remove(tmp_path / "link")
    assert (tmp_path / "kept" / "x").exists()
    assert not (tmp_path / "link").exists()


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    write_bytes(tmp_path / "file", b"old")
    with pytest.raises(TypeError):
        write_bytes(tmp_path / "file", "no bytes")  # type: ignore[arg-type]
    assert os.listdir(tmp_path) == ["file"]  # noqa: PTH208
    assert (tmp_path / "file").read_bytes() == b"old"


@pytest.mark.parametrize("text", ["runs/demo", "/data/run", "a:b", "C:/run"])
def test_folders_are_paths(text: str) -> None:
    path = open_path(text)
    assert is_local(path)
    assert path == Path(text)


@pytest.mark.parametrize("text", ["s3://bucket/run", "gs://bucket/run", "S3://bucket/run/"])
def test_urls_are_object_storage(text: str) -> None:
    path = open_path(text)
    assert not is_local(path)
    assert str(path / "recipe.yaml").lower() == text.lower().rstrip("/") + "/recipe.yaml"


@pytest.mark.parametrize(
    ("text", "message"),
    [("ftp://host/run", "ftp:// is not known"), ("s3://", "names no bucket"), ("s3:///", "names no bucket")],
)
def test_what_cannot_hold_a_run_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_path(text)


def test_letting_a_file_go_leaves_it_as_it_is(tmp_path: Path, bucket: Callable[[], AnyPath]) -> None:
    for folder in (tmp_path, bucket()):
        for _ in range(2):
            let_go(folder / "absent")
            write_bytes(folder / "a", b"whole")
            let_go(folder / "a")
            assert (folder / "a").read_bytes() == b"whole"


def test_a_web_server_can_be_read_and_nothing_else(tmp_path: Path) -> None:
    there = open_published("https://example.org/data/set/")
    assert str(there / "manifest/index.parquet") == "https://example.org/data/set/manifest/index.parquet"
    assert not can_list(there)
    assert can_list(open_published(tmp_path))
    assert can_list(open_published("s3://bucket/set"))
    with pytest.raises(UsageError, match="names no server"):
        open_published("http:///")
    for open_one, text in ((open_path, "https://example.org/data"), (open_published, "ftp://example.org/data")):
        with pytest.raises(UsageError, match="is not known"):
            open_one(text)
