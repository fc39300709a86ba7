"""Commands that cost little are run as they stand, page by page, and end well: on a small build in place of theirs."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from documentation.not_run import all_shown, read_list, reason
from documentation.shown_commands import Shown

ROOT = Path(__file__).parents[2]

PAGES: dict[str, list[Shown]] = {}
for _one in all_shown(ROOT):
    if not _one.is_synopsis and reason(_one, read_list()) is None:
        PAGES.setdefault(_one.block.page, []).append(_one)

BUILDS = ("runs/demo", "runs/nol", "runs/try", "runs/munich")
"""Run directories that pages speak of; a small build stands in their place."""

HARMLESS = {"noldo", "cd", "cp", "cat", "echo", "export", "mkdir", "ls", "sha256sum", "ssh-keygen"}
"""Programs that are run where a page shows them; every other command has to have its place in not_run.yaml."""


def test_nothing_is_run_that_could_do_harm() -> None:
    unknown = {
        f"{one.block.page}, line {one.block.line}: {one.text}"
        for shown in PAGES.values()
        for one in shown
        if {words[0] for words in one.simple()} - HARMLESS
    }
    assert unknown == set(), "name them in documentation/not_run.yaml, with the reason"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the key that pages sign with."""
    folder = tmp_path_factory.mktemp("home")
    key = folder / ".ssh" / "id_ed25519"
    key.parent.mkdir(mode=0o700)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "maker", "-f", key], check=True)
    return folder


@pytest.fixture(scope="module")
def place(small_run: Any, tmp_path_factory: pytest.TempPathFactory, home: Path) -> Callable[[str], Path]:
    """`place(text)`: a folder like a checkout, with the builds that a page's commands name."""

    def make(text: str) -> Path:
        folder = tmp_path_factory.mktemp("page")
        for name in ("recipes", "manifests", "Makefile"):
            (folder / name).symlink_to(ROOT / name)
        for build in BUILDS:
            if re.search(rf"{build}\b(?!-)", text):
                shutil.copytree(small_run[0], folder / build)
        shutil.copy(home / ".ssh" / "id_ed25519.pub", folder / "maker.pub")
        return folder

    return make


class Shell:
    """Runs a page's commands one after the other; `cd` and what was exported stay."""

    def __init__(self, folder: Path, home: Path, noldo_here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cwd = folder
        self._here = noldo_here
        self._environment = monkeypatch
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")

    def run(self, text: str) -> tuple[int, str]:
        """The status of a command, and what it printed."""
        words = shlex.split(text, comments=True)
        if words[0] == "cd" and len(words) == 2:
            self.cwd /= words[1]
            return 0, ""
        if words[0] == "noldo" and not re.search(r"[|&;<>$]", text):
            words = [str(Path(word).expanduser()) if word.startswith("~") else word for word in words]
            ended = self._here(*words[1:], cwd=self.cwd)
            return ended.status, ended.out + ended.err
        done = subprocess.run(
            ["bash", "-ec", text], cwd=self.cwd, capture_output=True, text=True, timeout=120, check=False
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def bucket(object_storage: str) -> None:
    """The bucket that pages speak of."""
    boto3.client("s3", endpoint_url=object_storage).create_bucket(Bucket="my-bucket")


@pytest.mark.parametrize("page", PAGES)
def test_what_is_cheap_runs(
    page: str,
    place: Callable[[str], Path],
    home: Path,
    bucket: None,
    noldo_here: Any,
    localised: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shell = Shell(place("\n".join(one.text for one in PAGES[page])), home, noldo_here, monkeypatch)
    for one in PAGES[page]:
        assert {words[0] for words in one.simple()} <= HARMLESS, one.text
        status, said = shell.run(localised(one.text))
        assert status == 0, f"{page}, line {one.block.line}: {one.text}\n{said}"
