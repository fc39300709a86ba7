"""`noldo manifest repair` as a user runs it: what was done in lines or JSON, and 0 only if all holds."""

import shutil
from pathlib import Path
from typing import Any

import pytest

SHARD = "store/nol.zarr/s1/c/0/0/0/0/0"


@pytest.fixture
def root(small_run: tuple[Path, Any], tmp_path: Path) -> Path:
    """What is published of the small run, with a shard that holds something else."""
    for folder in ("manifest", "store"):
        shutil.copytree(small_run[0] / folder, tmp_path / "copy" / folder)
    (tmp_path / "copy" / SHARD).write_bytes(b"something else")
    return tmp_path / "copy"


def test_a_repair_tells_what_it_did_and_whether_all_holds(noldo: Any, root: Path, small_run: tuple[Path, Any]) -> None:
    plan = noldo("manifest", "repair", root, "--from", small_run[0], "--dry-run")
    assert plan.status == 1, "nothing was repaired"
    assert f"copied        {SHARD}" in plan.out.splitlines()
    assert plan.out.splitlines()[-1].endswith("nothing was written")
    done = noldo("manifest", "repair", root, "--from", small_run[0], "--json")
    assert (done.status, done.json["ok"], done.json["remaining"]) == (0, True, [])
    assert [(one["path"], one["action"]) for one in done.json["mended"]] == [(SHARD, "copied")]
    assert (root / SHARD).read_bytes() == (small_run[0] / SHARD).read_bytes()


def test_what_is_no_source_ends_in_one_line(noldo: Any, root: Path, tmp_path: Path) -> None:
    for source, words in (
        (tmp_path / "absent", "neither manifest/ nor store/"),
        (f"{root}/../copy", "data set itself"),
    ):
        ended = noldo("manifest", "repair", root, "--from", source)
        assert (ended.status, len(ended.err.strip().splitlines())) == (2, 1), ended.err
        assert words in ended.err


def test_the_emulator_takes_no_project(noldo: Any, root: Path) -> None:
    paid = noldo("manifest", "repair", root, "--from", "earth-engine", "--project", "mine")
    assert paid.status == 2
    assert "nobody pays" in paid.err


def test_earth_engine_is_the_one_that_the_manifest_names(noldo: Any, root: Path, small_planet_url: str) -> None:
    ended = noldo("manifest", "repair", root, "--from", "earth-engine", "--url", small_planet_url)
    assert ended.status == 0, ended.err
    assert f"written anew  {SHARD} with rows 0, 1 of the source" in ended.out.splitlines()
    assert not [path for path in root.rglob("*") if "emulator" in path.name], "no log in what is published"
