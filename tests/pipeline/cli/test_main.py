"""What a user sees when something is wrong: one or two plain lines and status 1 or 2, never a traceback."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Noldo = Callable[..., Any]
"""Runs `noldo ARGUMENTS...` to its end, in a process of its own or in this one, see tests/conftest.py."""

GOOD = "sample: {count: 2}\nsource: {kind: emulator}\n"


def plain(ended: Any, status: int, says: str) -> None:
    assert ended.status == status, ended.err
    lines = ended.err.strip().splitlines()
    assert 1 <= len(lines) <= 2, ended.err
    assert lines[0].startswith("noldo: ")
    assert says in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD + "qualty: {}\n", "unknown key 'qualty'; did you mean 'quality'?"),
        (GOOD.replace("2", "two"), "'sample.count' is 'two'"),
        (GOOD + "pretrain: {epoch: 3}\n", "unknown key 'epoch'; did you mean 'epochs'?"),
        ("sample: {from: absent.parquet}\nsource: {kind: emulator}\n", "absent.parquet"),
        (GOOD.replace("emulator", "emulator, faults: 'flood:0.1'"), "flood"),
    ],
)
def test_bad_recipes(noldo_here: Noldo, tmp_path: Path, text: str, says: str) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(text)
    plain(noldo_here("build", recipe, "--out", tmp_path / "run", cwd=tmp_path), 2, says)


def test_wrong_use(noldo: Noldo, noldo_here: Noldo, tmp_path: Path) -> None:
    plain(noldo("build"), 2, "Missing")
    plain(noldo_here("buidl"), 2, "No such command 'buidl'")
    plain(noldo_here("build", tmp_path / "absent.yaml", "--out", tmp_path / "run"), 2, "cannot read the recipe")
    plain(noldo_here("pretrain", tmp_path / "absent.yaml", "--store", tmp_path, "--out", tmp_path), 2, "cannot read")
    plain(noldo_here("manifest", "digest", tmp_path), 2, "expected one finished store")


def test_a_folder_that_cannot_be_written(noldo_here: Noldo, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(GOOD)
    plain(noldo_here("build", recipe, "--out", recipe / "run"), 2, "cannot write to")


def test_no_credentials(noldo: Noldo, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("sample: {count: 2}\nsource: {kind: earthengine, project: p}\n")
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("GOOGLE_", "EARTHENGINE_", "CLOUDSDK_"))}
    refusing = "http://127.0.0.1:9"
    bare |= {"HOME": str(tmp_path), "http_proxy": refusing, "https_proxy": refusing, "NO_GCE_CHECK": "true"}
    ended = noldo("build", recipe, "--out", tmp_path / "run", env=bare)
    assert ended.status == 2, ended.err
    said = [line for line in ended.err.splitlines() if line.startswith("noldo: ")]
    assert len(said) == 1
    assert "earthengine authenticate" in said[0]
    assert "Traceback" not in ended.err


def test_help_has_an_example(noldo_here: Noldo) -> None:
    for command in (
        ["build"],
        ["plan"],
        ["status"],
        ["pretrain"],
        ["report"],
        ["emulator", "serve"],
        ["manifest", "digest"],
    ):
        assert "Example:  noldo " in noldo_here(*command, "--help").out
