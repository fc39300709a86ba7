"""What the shells get to complete with."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Noldo = Callable[..., Any]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_asks_this_command(noldo_here: Noldo, shell: str) -> None:
    ended = noldo_here("completion", shell)
    assert ended.status == 0
    assert f"_NOLDO_COMPLETE={shell}_complete" in ended.out


def test_another_shell_is_refused(noldo_here: Noldo) -> None:
    ended = noldo_here("completion", "tcsh")
    assert ended.status == 2
    assert "'bash', 'zsh', 'fish'" in ended.err


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes(tmp_path: Path) -> None:
    """The script as bash runs it: a command, and a folder of this machine."""
    (tmp_path / "runs").mkdir()
    asked = """
    eval "$(noldo completion bash)"
    for words in "noldo emulator se" "noldo status ru"; do
        COMP_WORDS=($words); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
        compopt() { echo "dirs"; }; _noldo_completion noldo; echo "${COMPREPLY[@]}"
    done
    """
    bin_folder = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", asked], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.split() == ["serve", "dirs"]
