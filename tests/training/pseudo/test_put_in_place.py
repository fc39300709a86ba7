"""A stop at any rename is finished by the next call: no old array is mixed with new ones, none is lost."""

import shutil
from pathlib import Path

import pytest

from training.pseudo.put_in_place import finish_placing, partial_folder, put_in_place

NAMES = ["pl", "pl_confidence", "pl_union"]


def array(folder: Path, content: str) -> None:
    folder.mkdir(parents=True)
    (folder / "zarr.json").write_text(content)


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """New arrays that wait beside old ones."""
    for name in ("pl", "pl_confidence", "pl_agreement"):
        array(tmp_path / "labels" / name, "old")
    folder = partial_folder(tmp_path, "pl", "0f")
    for name in NAMES:
        array(folder / name, "new")
    return folder


def contents(group: Path) -> dict[str, str]:
    return {folder.name: (folder / "zarr.json").read_text() for folder in group.glob("[!.]*")}


@pytest.mark.parametrize("stopped_at", range(6))
def test_a_stop_at_any_rename_is_finished_later(
    new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_at: int
) -> None:
    renames, rename = [], Path.rename

    def stop(self: Path, target: Path) -> Path:
        renames.append(self)
        if len(renames) == stopped_at + 1:
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", stop)
        with pytest.raises(KeyboardInterrupt):
            put_in_place(new, NAMES, ["pl_agreement", "pl_union"])
    assert contents(new.parent).get("pl") == ("old" if stopped_at == 0 else None), "the first stands for all"
    finish_placing(tmp_path, "other")
    assert new.exists()
    finish_placing(tmp_path, "pl")
    assert contents(new.parent) == dict.fromkeys(NAMES, "new")
    assert not new.exists()


def test_a_stop_while_the_old_ones_are_deleted_leaves_the_new_ones(
    new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(folder: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", lambda folder, ignore_errors=False: None if ignore_errors else stop(folder))
        with pytest.raises(KeyboardInterrupt):
            put_in_place(new, NAMES, ["pl_agreement"])
    assert contents(new.parent) == dict.fromkeys(NAMES, "new")
    finish_placing(tmp_path, "pl")
    assert contents(new.parent) == dict.fromkeys(NAMES, "new")
    assert not new.exists()


def test_what_is_not_whole_yet_is_left_alone(new: Path, tmp_path: Path) -> None:
    finish_placing(tmp_path, "pl")
    assert contents(new.parent)["pl"] == "old"
    assert new.exists()
