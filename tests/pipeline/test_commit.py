from pathlib import Path

import pytest

from pipeline.commit import committed_folder, folder_inputs, replace_folder


def test_a_folder_takes_its_place_with_its_inputs(tmp_path: Path) -> None:
    with committed_folder(tmp_path / "deep" / "out", "digest") as temporary:
        (temporary / "a").write_text("1")
        assert not (tmp_path / "deep" / "out").exists()
    assert (tmp_path / "deep" / "out" / "a").read_text() == "1"
    assert folder_inputs(tmp_path / "deep" / "out") == "digest"
    assert [p.name for p in (tmp_path / "deep" / "out").iterdir()] == ["a"]
    assert {p.name for p in (tmp_path / "deep").iterdir()} == {"out", ".out.inputs"}


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    with committed_folder(tmp_path / "out") as temporary:
        (temporary / "old").touch()

    def crash() -> None:
        with committed_folder(tmp_path / "out") as temporary:
            (temporary / "new").touch()
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        crash()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["old"]


def test_replacing_removes_the_files_that_were_there(tmp_path: Path) -> None:
    for name in ("out", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"of-{name}").touch()
    replace_folder(tmp_path / "new", tmp_path / "out", None)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["of-new"]


def test_a_folder_without_inputs_has_none(tmp_path: Path) -> None:
    assert folder_inputs(tmp_path) is None
    assert folder_inputs(tmp_path / "nowhere") is None


def test_inputs_move_with_the_folder_and_die_with_it(tmp_path: Path) -> None:
    for name, inputs in (("out", "old"), ("building", "new")):
        with committed_folder(tmp_path / name, inputs):
            pass
    replace_folder(tmp_path / "building", tmp_path / "out", folder_inputs(tmp_path / "building"))
    assert folder_inputs(tmp_path / "out") == "new"
    assert {p.name for p in tmp_path.iterdir()} == {"out", ".out.inputs"}
    (tmp_path / "out").rmdir()
    assert folder_inputs(tmp_path / "out") is None


def test_a_kill_between_renames_leaves_no_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with committed_folder(tmp_path / "out", "old"):
        pass

    def kill(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    (tmp_path / "new").mkdir()
    monkeypatch.setattr(Path, "rename", kill)
    with pytest.raises(KeyboardInterrupt):
        replace_folder(tmp_path / "new", tmp_path / "out", "new")
    assert folder_inputs(tmp_path / "out") is None
