"""The Dockerfile: held against a linter and its own promises, and its steps carried out without a container engine."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import dockerfile
import pytest

BIN = Path(sys.executable).parent
TARGETS = ("cpu", "cuda")


def may_mount() -> bool:
    """Whether this machine lets us lay an overlay over its root, in a namespace of our own."""
    if os.geteuid() or not shutil.which("unshare"):
        return False
    lay = "mount -t tmpfs t /mnt && cd /mnt && mkdir u w m && mount -t overlay o -o lowerdir=/,upperdir=u,workdir=w m"
    tried = subprocess.run(["unshare", "--mount", "--net", "sh", "-c", lay], capture_output=True, check=False)
    return tried.returncode == 0


def stages(project: Path) -> dict[str, list[dockerfile.Command]]:
    """The instructions of every stage by its name."""
    found: dict[str, list[dockerfile.Command]] = {}
    for command in dockerfile.parse_file(str(project / "Dockerfile")):
        if command.cmd.upper() == "FROM":
            found[command.value[2]] = []
        found[list(found)[-1]].append(command)
    return found


def test_the_linter_finds_nothing(project: Path) -> None:
    done = subprocess.run([BIN / "hadolint", project / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_runs_as_nobody_special(project: Path, target: str) -> None:
    users = [command.value for command in stages(project)[target] if command.cmd.upper() == "USER"]
    assert users == [("10001",)]  # a number: Kubernetes' runAsNonRoot cannot judge a name


@pytest.mark.parametrize("target", TARGETS)
def test_an_edit_of_the_program_leaves_the_packages_in_the_cache(project: Path, target: str) -> None:
    """No step up to the installation of the packages sees a file that changes with the program."""
    found = stages(project)
    copied = {name for command in [*found["base"], *found[f"{target}-packages"]] if command.cmd.upper() == "COPY"
              for name in command.value[:-1]}  # fmt: skip
    assert copied == {"constraints.txt", "/build/requirements.txt"}


def test_both_images_differ_in_torch_alone(project: Path) -> None:
    found = stages(project)
    cpu, cuda = ([command.original for command in found[target][1:]] for target in TARGETS)
    assert [line for line in cuda if not line.startswith("ENV NVIDIA")] == cpu
    only_cpu = [command.original for command in found["cpu-packages"][1:]]
    more = [line for line in only_cpu if line not in [command.original for command in found["cuda-packages"]]]
    assert len(more) == 2
    assert all("TORCH_INDEX" in line for line in more)


@pytest.mark.skipif(not may_mount(), reason="needs root, and leave to mount overlays")
def test_the_steps_make_an_image_that_runs(project: Path, tmp_path: Path) -> None:
    """From the Dockerfile and .dockerignore, offline: pip finds the packages here, as constraints.txt pins them."""
    command = [sys.executable, project / "containers/build_here.py", "cpu", "--offline", sys.prefix]
    look = "id -u; pwd; ls; command -v noldo; touch runs/mine && ! touch here 2>/dev/null && noldo --version"
    done = subprocess.run([*command, "--", "sh", "-c", look], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    *_, user, where, recipes, runs, noldo, version = done.stdout.splitlines()
    assert (user, where, recipes, runs, noldo) == ("10001", "/data", "recipes", "runs", "/opt/noldo/bin/noldo")
    assert version.startswith("noldo")
    assert not Path("/opt/noldo").exists()
