from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.commit import (
    begun_folder,
    begun_inputs,
    building_folder,
    committed_folder,
    finish_folder,
    folder_inputs,
    forget_begun,
)
from pipeline.files import file_sizes, listed, write_bytes
from pipeline.schema.paths import AnyPath


@pytest.fixture(params=["disk", "bucket"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> AnyPath:
    if request.param == "disk":
        return tmp_path / "run"
    bucket: Callable[[], AnyPath] = request.getfixturevalue("bucket")
    return bucket()


def fill(folder: AnyPath, inputs: str | None, **files: bytes) -> None:
    with committed_folder(folder, inputs) as temporary:
        for name, data in files.items():
            write_bytes(temporary / name, data)


def test_a_folder_takes_its_place_with_its_inputs(root: AnyPath) -> None:
    with committed_folder(root / "deep" / "out", "digest") as temporary:
        write_bytes(temporary / "a", b"1")
        assert folder_inputs(root / "deep" / "out") is None
    assert (root / "deep" / "out" / "a").read_bytes() == b"1"
    assert folder_inputs(root / "deep" / "out") == "digest"
    assert set(file_sizes(root)) == {"deep/.out.inputs", "deep/out/a"}


def test_on_a_disk_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    fill(tmp_path / "out", None, old=b"")
    with pytest.raises(RuntimeError, match="power cut"):
        crash(tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["old"]


def test_in_object_storage_a_failure_leaves_nothing(bucket: Callable[[], AnyPath]) -> None:
    root = bucket()
    fill(root / "out", "old", old=b"1")
    with pytest.raises(RuntimeError, match="power cut"):
        crash(root / "out")
    assert folder_inputs(root / "out") is None
    assert file_sizes(root) == {}


def crash(folder: AnyPath) -> None:
    with committed_folder(folder, "new") as temporary:
        write_bytes(temporary / "new", b"1")
        raise RuntimeError("power cut")


def test_replacing_removes_the_files_that_were_there(root: AnyPath) -> None:
    fill(root / "out", "old", old=b"1", both=b"1")
    fill(root / "out", "new", new=b"2", both=b"22")
    assert file_sizes(root) == {".out.inputs": 3, "out/new": 1, "out/both": 2}
    assert folder_inputs(root / "out") == "new"


def test_a_folder_without_inputs_has_none(root: AnyPath) -> None:
    fill(root / "out", None, a=b"1")
    assert folder_inputs(root / "out") is None
    assert folder_inputs(root / "nowhere") is None


def test_a_folder_is_begun_filled_by_many_and_finished(root: AnyPath) -> None:
    fill(root / "out", "old", old=b"1")
    assert begun_inputs(root / "out") is None
    with begun_folder(root / "out", "new") as prepared:
        write_bytes(prepared / "metadata", b"1")
        assert begun_inputs(root / "out") is None
    assert begun_inputs(root / "out") == "new"
    assert folder_inputs(root / "out") != "new"
    write_bytes(building_folder(root / "out") / "chunk", b"22")
    finish_folder(root / "out")
    assert folder_inputs(root / "out") == "new"
    assert begun_inputs(root / "out") is None
    assert file_sizes(root) == {".out.inputs": 3, "out/metadata": 1, "out/chunk": 2}
    with pytest.raises(ValueError, match="was not begun"):
        finish_folder(root / "out")


def test_one_begun_for_other_inputs_is_begun_afresh(root: AnyPath) -> None:
    for inputs in ("first", "second"):
        with begun_folder(root / "out", inputs) as prepared:
            assert listed(prepared, "*") == []
            write_bytes(prepared / inputs, b"1")
        assert begun_inputs(root / "out") == inputs
    assert list(file_sizes(building_folder(root / "out"))) == ["second"]


def test_what_a_kill_left_half_begun_claims_nothing(root: AnyPath) -> None:
    def kill() -> None:
        with begun_folder(root / "out", "second"):
            raise KeyboardInterrupt

    with begun_folder(root / "out", "first"):
        pass
    with pytest.raises(KeyboardInterrupt):
        kill()
    assert begun_inputs(root / "out") is None


def test_inputs_die_with_their_folder(tmp_path: Path) -> None:
    fill(tmp_path / "out", "old")
    (tmp_path / "out").rmdir()
    assert folder_inputs(tmp_path / "out") is None


def test_a_kill_between_renames_leaves_no_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "out", "old")

    def kill(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", kill)
    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path / "out", "new")
    monkeypatch.undo()
    assert folder_inputs(tmp_path / "out") is None


def test_a_kill_right_after_the_rename_leaves_a_folder_that_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def rename_and_die(self: Path, target: Path) -> Path:
        rename(self, target)
        if target == tmp_path / "store":
            raise KeyboardInterrupt
        return target

    with begun_folder(tmp_path / "store", "digest") as folder:
        write_bytes(folder / "shard", b"")
    monkeypatch.setattr(Path, "rename", rename_and_die)
    with pytest.raises(KeyboardInterrupt):
        finish_folder(tmp_path / "store")
    monkeypatch.undo()
    assert folder_inputs(tmp_path / "store") == "digest"
    assert (tmp_path / "store" / "shard").exists()


def test_what_was_begun_is_forgotten_and_what_is_finished_stays(root: AnyPath) -> None:
    with begun_folder(root / "half", "new") as folder:
        write_bytes(folder / "shard", b"")
    forget_begun(root / "half")
    assert begun_inputs(root / "half") is None
    assert set(file_sizes(root)) == set()
    fill(root / "whole", "old", shard=b"1")
    forget_begun(root / "whole")
    assert folder_inputs(root / "whole") == "old"
    assert (root / "whole" / "shard").read_bytes() == b"1"


def test_a_marker_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "out", "digest")

    def slow_down(self: Path) -> bytes:
        raise OSError(16, "SlowDown")

    monkeypatch.setattr(Path, "read_bytes", slow_down)
    with pytest.raises(OSError, match="SlowDown"):
        folder_inputs(tmp_path / "out")
